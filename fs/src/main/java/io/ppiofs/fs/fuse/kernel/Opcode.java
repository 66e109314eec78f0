package io.ppiofs.fs.fuse.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Requests of the kernel: {@code enum fuse_opcode} of linux/fuse.h, and what was added up to 7.45. */
enum Opcode {
    LOOKUP(1),
    FORGET(2),
    GETATTR(3),
    SETATTR(4),
    READLINK(5),
    SYMLINK(6),
    MKNOD(8),
    MKDIR(9),
    UNLINK(10),
    RMDIR(11),
    RENAME(12),
    LINK(13),
    OPEN(14),
    READ(15),
    WRITE(16),
    STATFS(17),
    RELEASE(18),
    FSYNC(20),
    SETXATTR(21),
    GETXATTR(22),
    LISTXATTR(23),
    REMOVEXATTR(24),
    FLUSH(25),
    INIT(26),
    OPENDIR(27),
    READDIR(28),
    RELEASEDIR(29),
    FSYNCDIR(30),
    GETLK(31),
    SETLK(32),
    SETLKW(33),
    ACCESS(34),
    CREATE(35),
    INTERRUPT(36),
    BMAP(37),
    DESTROY(38),
    IOCTL(39),
    POLL(40),
    NOTIFY_REPLY(41),
    BATCH_FORGET(42),
    FALLOCATE(43),
    READDIRPLUS(44),
    RENAME2(45),
    LSEEK(46),
    COPY_FILE_RANGE(47),
    SETUPMAPPING(48),
    REMOVEMAPPING(49),
    SYNCFS(50),
    TMPFILE(51),
    STATX(52),
    COPY_FILE_RANGE_64(53);

    private static final @Nullable Opcode[] BY_NUMBER = byNumber();

    private final int number;

    Opcode(int number) {
        this.number = number;
    }

    private static @Nullable Opcode[] byNumber() {
        @Nullable Opcode[] table = new @Nullable Opcode[64];
        for (Opcode o : values()) {
            table[o.number] = o;
        }
        return table;
    }

    /** @return null for a request that this version does not know */
    static @Nullable Opcode of(int number) {
        return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    }

    /** Names by number, empty where there is none. */
    static List<String> names() {
        List<String> names = new ArrayList<>();
        for (Opcode o : BY_NUMBER) {
            names.add(o == null ? "" : o.text());
        }
        return names;
    }

    int number() {
        return number;
    }

    /** As messages and metrics spell it. */
    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
