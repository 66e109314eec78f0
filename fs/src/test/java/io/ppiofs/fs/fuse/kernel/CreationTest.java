package io.ppiofs.fs.fuse.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.SecurityLabel;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.fuse.KernelOptions;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.fs.fuse.OpenHandles;
import io.ppiofs.fs.fuse.RequestTimes;
import io.ppiofs.fs.testing.ModelFileSystem;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import jnr.ffi.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Requests that make inodes, with extensions as linux/fuse.h describes them, from a kernel that the test plays: the machine's
 * own has no security module that would send any.
 */
class CreationTest {
    private static final String SELINUX = "security.selinux";
    private static final byte[] CONTEXT = bytes("system_u:object_r:etc_t:s0\0");
    private static final int USER = 1000;
    private static final int GROUP = 2000;
    private static final int NO_PROCESS = Integer.MAX_VALUE;

    private final NativeSystem system = NativeSystem.load();
    private final FileSystemCore core = new ModelFileSystem();
    private final DevicePair devices = new DevicePair(system);
    private final Device driver = devices.driver;
    private final Device kernel = devices.kernel;
    private final Request request = new Request(system.runtime(), 1 << 17);
    private final ByteBuffer sent = ByteBuffer.allocateDirect(1 << 17).order(ByteOrder.nativeOrder());
    private final long sentAddress = Pointer.wrap(system.runtime(), sent).address();

    @AfterEach
    void disconnect() {
        devices.close();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private Dispatcher dispatcher(long flags) {
        KernelOptions options = KernelOptions.of(new MountOptions("ppiofs:test", false, List.of(), 1));
        Dispatcher.Setting setting = new Dispatcher.Setting(
                core,
                options,
                new Handshake.Agreed(Wire.NEWEST_MINOR, flags),
                new MountGroup(),
                new Invalidator("invalidator", driver, false),
                new RequestTimes(Opcode.names()),
                new AccessLog());
        return new Dispatcher(setting, new OpenHandles(core), driver, request);
    }

    /** The beginning of a request, its arguments zero; {@link #sent} stands behind them. */
    private void begin(Opcode op, int arguments) {
        sent.clear();
        for (int i = 0; i < Wire.IN_HEADER + arguments; i++) {
            sent.put((byte) 0);
        }
        sent.putInt(Wire.IN_OPCODE, op.number()).putLong(Wire.IN_UNIQUE, 7).putLong(Wire.IN_NODE, Ino.ROOT.value());
        sent.putInt(Wire.IN_UID, USER).putInt(Wire.IN_GID, USER).putInt(Wire.IN_PID, NO_PROCESS);
    }

    private void string(String s) {
        sent.put(bytes(s)).put((byte) 0);
    }

    private void pad(int from) {
        while ((sent.position() - from) % Long.BYTES != 0) {
            sent.put((byte) 0);
        }
    }

    /** get_security_context of the kernel. */
    private void contexts(String... namesAndValues) {
        int at = sent.position();
        sent.putInt(0).putInt(namesAndValues.length / 2);
        for (int i = 0; i < namesAndValues.length; i += 2) {
            byte[] value = bytes(namesAndValues[i + 1]);
            sent.putInt(value.length).putInt(0);
            string(namesAndValues[i]);
            sent.put(value);
            pad(at);
        }
        sent.putInt(at, sent.position() - at);
    }

    /** get_create_supp_group of the kernel. */
    private void group(int gid) {
        int at = sent.position();
        sent.putInt(0).putInt(Wire.EXT_GROUPS).putInt(1).putInt(gid);
        pad(at);
        sent.putInt(at, sent.position() - at);
    }

    /** @return errno, 0 for success */
    private int answerTo(Dispatcher dispatcher, int extensionsBegin) {
        int length = sent.position();
        sent.putInt(Wire.IN_LENGTH, length);
        sent.putShort(Wire.IN_EXTENSIONS, (short) ((length - extensionsBegin) / Long.BYTES));
        assertThat(kernel.write(sentAddress, length)).isZero();
        assertThat(request.received(driver.read(request.address(), request.capacity())))
                .isTrue();
        dispatcher.answer();
        assertThat(kernel.read(sentAddress, sent.capacity())).isGreaterThanOrEqualTo(Wire.OUT_HEADER);
        return -sent.getInt(Wire.OUT_ERROR);
    }

    /** Creates "n" (no name with TMPFILE), mode 0640, and everything that an extension needs stands behind it. */
    private void creation(Opcode op) {
        switch (op) {
            case CREATE, TMPFILE -> {
                begin(op, 16);
                sent.putInt(Wire.CREATE_FLAGS, 2).putInt(Wire.CREATE_MODE, 0100640);
            }
            case MKNOD -> {
                begin(op, 16);
                sent.putInt(Wire.MKNOD_MODE, 0100640);
            }
            case MKDIR -> {
                begin(op, 8);
                sent.putInt(Wire.MKDIR_MODE, 0750);
            }
            default -> begin(op, 0);
        }
        string("n");
        if (op == Opcode.SYMLINK) {
            string("target");
        }
    }

    private Attr made() {
        return core.lookup(Ino.ROOT, FileName.of("n"));
    }

    @ParameterizedTest
    @EnumSource(
            value = Opcode.class,
            names = {"CREATE", "TMPFILE", "MKNOD", "MKDIR", "SYMLINK"})
    void an_inode_has_its_security_contexts_from_its_first_moment(Opcode op) {
        creation(op);
        int at = sent.position();
        contexts(SELINUX, new String(CONTEXT, StandardCharsets.US_ASCII), "security.other", "");
        group(GROUP);
        assertThat(answerTo(dispatcher(Wire.SECURITY_CTX | Wire.CREATE_SUPP_GROUP), at))
                .isZero();
        Ino ino = new Ino(sent.getLong(Wire.OUT_HEADER + Wire.ENTRY_NODE));
        if (op != Opcode.TMPFILE) {
            assertThat(made().ino()).isEqualTo(ino);
        }
        assertThat(core.listxattr(ino)).containsExactlyInAnyOrder(FileName.of(SELINUX), FileName.of("security.other"));
        assertThat(core.getxattr(ino, FileName.of(SELINUX))).isEqualTo(CONTEXT);
        assertThat(core.getxattr(ino, FileName.of("security.other"))).isEmpty();
    }

    @Test
    void a_kernel_without_a_security_module_sends_none() {
        creation(Opcode.CREATE);
        int at = sent.position();
        contexts();
        assertThat(answerTo(dispatcher(Wire.SECURITY_CTX), at)).isZero();
        assertThat(core.listxattr(made().ino())).isEmpty();
    }

    @Test
    void what_was_not_agreed_is_not_read() {
        creation(Opcode.MKDIR);
        assertThat(answerTo(dispatcher(0), sent.position())).isZero();
        assertThat(core.listxattr(made().ino())).isEmpty();
    }

    @Test
    void an_unknown_extension_is_passed_over() {
        creation(Opcode.MKNOD);
        int at = sent.position();
        sent.putInt(24).putInt(99).putLong(-1).putLong(-1);
        contexts(SELINUX, "x");
        assertThat(answerTo(dispatcher(Wire.SECURITY_CTX), at)).isZero();
        assertThat(core.getxattr(made().ino(), FileName.of(SELINUX))).isEqualTo(bytes("x"));
    }

    /** Each of these would make a reader that believes it go beyond the message, or take memory for nothing. */
    @Test
    void lengths_that_do_not_fit_make_nothing() {
        int[][] wrong = {
            {0, 1},
            {7, 1},
            {1 << 30, 1},
            {-1, 1}, // of the extension
            {24, 2},
            {24, 31}, // more contexts than there are
        };
        for (int[] header : wrong) {
            creation(Opcode.MKNOD);
            int at = sent.position();
            sent.putInt(header[0]).putInt(header[1]).putInt(2).putInt(0);
            string("security.s");
            sent.put(bytes("vw123"));
            refuses(at);
        }
        for (int size : new int[] {-1, Integer.MAX_VALUE, 100}) { // of a context
            creation(Opcode.MKNOD);
            int at = sent.position();
            contexts(SELINUX, "value");
            sent.putInt(at + Wire.EXT_HEADER, size);
            refuses(at);
        }
        creation(Opcode.MKNOD); // a name without an end
        int at = sent.position();
        sent.putInt(24).putInt(1).putInt(0).putInt(0).put(bytes("security"));
        refuses(at);
    }

    private void refuses(int extensionsBegin) {
        assertThat(answerTo(dispatcher(Wire.SECURITY_CTX), extensionsBegin)).isEqualTo(ErrorKind.INVALID.errno());
        assertThat(core.statfs().files()).isEqualTo(1);
    }

    @Test
    void only_a_security_attribute_of_bounded_length_is_taken() {
        creation(Opcode.MKNOD);
        int at = sent.position();
        contexts("trusted.x", "v");
        refuses(at);
        creation(Opcode.MKNOD);
        at = sent.position();
        contexts(SELINUX, "v".repeat(SecurityLabel.MAX_VALUE + 1));
        assertThat(answerTo(dispatcher(Wire.SECURITY_CTX), at)).isEqualTo(ErrorKind.TOO_BIG.errno());
    }

    @Test
    void only_a_member_of_the_directorys_group_makes_a_program_that_runs_as_it() {
        core.setattr(Caller.ROOT, Ino.ROOT, new SetAttr(02777, null, GROUP, null, null, null));
        creation(Opcode.MKNOD);
        sent.putInt(Wire.MKNOD_MODE, 0102755);
        int at = sent.position();
        group(GROUP + 1);
        assertThat(answerTo(dispatcher(Wire.CREATE_SUPP_GROUP), at)).isZero();
        assertThat(made().mode()).isEqualTo(0100755);
        core.unlink(Caller.ROOT, Ino.ROOT, FileName.of("n"));

        creation(Opcode.CREATE);
        sent.putInt(Wire.CREATE_MODE, 0102755);
        at = sent.position();
        contexts(); // of a kernel without a security module
        group(GROUP);
        assertThat(answerTo(dispatcher(Wire.SECURITY_CTX | Wire.CREATE_SUPP_GROUP), at))
                .isZero();
        assertThat(made().mode()).isEqualTo(0102755);
        assertThat(made().gid()).isEqualTo(GROUP);
    }
}
