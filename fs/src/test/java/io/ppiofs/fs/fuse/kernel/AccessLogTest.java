package io.ppiofs.fs.fuse.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class AccessLogTest {
    private static final Clock NOON = Clock.fixed(Instant.parse("2030-01-01T12:00:00Z"), ZoneOffset.UTC);

    private final AccessLog log = new AccessLog();
    private final AccessRing ring = log.ring();

    private static ByteBuffer message(Opcode op, long ino, int arguments, String... names) {
        ByteBuffer m = ByteBuffer.allocateDirect(4096).order(ByteOrder.nativeOrder());
        m.putInt(Wire.IN_OPCODE, op.number());
        m.putLong(Wire.IN_NODE, ino);
        m.putInt(Wire.IN_UID, 1000).putInt(Wire.IN_GID, 100).putInt(Wire.IN_PID, 4711);
        m.position(Wire.IN_HEADER + arguments);
        for (String name : names) {
            m.put(name.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
        }
        m.putInt(Wire.IN_LENGTH, m.position());
        return m;
    }

    private void add(AccessRing to, ByteBuffer message, int errno, int answer) {
        to.add(message, message.getInt(Wire.IN_LENGTH), System.nanoTime(), 12_345, errno, answer);
    }

    private String line(ByteBuffer message, int errno, int answer) {
        add(ring, message, errno, answer);
        return log.text(NOON).lines().reduce((a, b) -> b).orElseThrow();
    }

    @Test
    void a_line_says_who_asked_what_and_how_it_ended() {
        ByteBuffer mkdir = message(Opcode.MKDIR, 7, 8, "new");
        mkdir.putInt(Wire.MKDIR_MODE, 0755);
        assertThat(line(mkdir, 17, 0))
                .matches("2030-01-01T11:59:59.*Z uid=1000 gid=100 pid=4711 mkdir ino=7 mode=0755 \"new\": EEXIST"
                        + " <0.000012>");
        ByteBuffer write = message(Opcode.WRITE, 8, Wire.WRITE_IN, "content");
        write.putLong(Wire.WRITE_OFFSET, 4096).putInt(Wire.WRITE_SIZE, 8);
        assertThat(line(write, 0, 8)).contains("write ino=8 at=4096 size=8: ok 8 <");
        assertThat(line(message(Opcode.RENAME2, 1, 16, "old", "new"), 0, 0))
                .contains("rename2 ino=1 to=0 flags=00 \"old\" \"new\": ok <");
        assertThat(line(message(Opcode.SYMLINK, 1, 0, "name", "target"), 0, 128))
                .contains("symlink ino=1 \"name\" \"target\": ok 128 <");
    }

    @Test
    void every_kind_of_request_has_a_line_even_if_it_is_cut_short() {
        for (Opcode op : Opcode.values()) {
            assertThat(line(message(op, 3, 0), 5, 0))
                    .contains(" " + op.text() + " ino=3")
                    .contains(": EIO <");
        }
    }

    @Test
    void a_name_cannot_forge_a_line_and_a_long_one_is_cut() {
        assertThat(line(message(Opcode.LOOKUP, 1, 0, "a\nb\"c"), 2, 0))
                .contains("lookup ino=1 \"a\\x0ab\\x22c\": ENOENT");
        assertThat(line(message(Opcode.LOOKUP, 1, 0, "n".repeat(255)), 2, 0)).contains("nnn…\": ENOENT");
    }

    @Test
    void the_last_requests_of_all_workers_stand_in_the_order_of_their_answers() {
        AccessRing second = log.ring();
        for (int i = 0; i < 3000; i++) {
            add(i % 2 == 0 ? ring : second, message(Opcode.LOOKUP, i, 0, "n"), 0, 0);
        }
        assertThat(log.text(NOON)
                        .lines()
                        .map(l -> l.replaceAll(".*ino=(\\d+).*", "$1"))
                        .map(Integer::valueOf))
                .hasSize(2048)
                .isSorted()
                .last()
                .isEqualTo(2999);
    }
}
