package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.fs.fuse.kernel.AccessRing.Entry;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * What the kernel asked of one mount lately, in the order of the answers: a line per request with its time, caller,
 * kind, arguments, result and duration. The last 1,024 requests of each worker are kept. Thread-safe.
 */
final class AccessLog {
    private static final Map<Integer, String> ERRORS = Map.ofEntries(
            Map.entry(1, "EPERM"),
            Map.entry(2, "ENOENT"),
            Map.entry(4, "EINTR"),
            Map.entry(5, "EIO"),
            Map.entry(6, "ENXIO"),
            Map.entry(9, "EBADF"),
            Map.entry(13, "EACCES"),
            Map.entry(16, "EBUSY"),
            Map.entry(17, "EEXIST"),
            Map.entry(20, "ENOTDIR"),
            Map.entry(21, "EISDIR"),
            Map.entry(22, "EINVAL"),
            Map.entry(25, "ENOTTY"),
            Map.entry(27, "EFBIG"),
            Map.entry(28, "ENOSPC"),
            Map.entry(30, "EROFS"),
            Map.entry(31, "EMLINK"),
            Map.entry(34, "ERANGE"),
            Map.entry(36, "ENAMETOOLONG"),
            Map.entry(38, "ENOSYS"),
            Map.entry(39, "ENOTEMPTY"),
            Map.entry(61, "ENODATA"),
            Map.entry(71, "EPROTO"),
            Map.entry(75, "EOVERFLOW"),
            Map.entry(95, "EOPNOTSUPP"),
            Map.entry(122, "EDQUOT"));

    private final List<AccessRing> rings = new CopyOnWriteArrayList<>();

    /** For one more worker. */
    AccessRing ring() {
        AccessRing ring = new AccessRing();
        rings.add(ring);
        return ring;
    }

    /** @param clock for the wall-clock time of the lines */
    String text(Clock clock) {
        List<Entry> all = new ArrayList<>();
        rings.forEach(r -> r.copyTo(all));
        long nanoTime = System.nanoTime();
        Instant now = clock.instant();
        all.sort(Comparator.comparingLong(e -> e.end() - nanoTime)); // differences: nanoTime may wrap
        StringBuilder text = new StringBuilder(all.size() * 96);
        for (Entry e : all) {
            Instant start = now.minusNanos(nanoTime - e.end() + e.nanos()).truncatedTo(ChronoUnit.MICROS);
            line(text, start, e);
        }
        return text.toString();
    }

    private static void line(StringBuilder text, Instant start, Entry e) {
        ByteBuffer m = e.message();
        text.append(start)
                .append(" uid=")
                .append(Integer.toUnsignedString(m.getInt(Wire.IN_UID)))
                .append(" gid=")
                .append(Integer.toUnsignedString(m.getInt(Wire.IN_GID)))
                .append(" pid=")
                .append(m.getInt(Wire.IN_PID))
                .append(' ');
        Opcode op = Opcode.of(m.getInt(Wire.IN_OPCODE));
        text.append(op == null ? "request" + m.getInt(Wire.IN_OPCODE) : op.text())
                .append(" ino=")
                .append(Long.toUnsignedString(m.getLong(Wire.IN_NODE)));
        if (op != null) {
            arguments(new Words(text, m), op);
        }
        text.append(": ");
        if (e.error() != 0) {
            text.append(ERRORS.getOrDefault(e.error(), "errno " + e.error()));
        } else {
            text.append("ok");
            if (e.answer() > 0) {
                text.append(' ').append(e.answer());
            }
        }
        text.append(String.format(" <%d.%06d>%n", e.nanos() / 1_000_000_000L, e.nanos() / 1000 % 1_000_000));
    }

    private static void arguments(Words w, Opcode op) {
        switch (op) {
            case LOOKUP, UNLINK, RMDIR, REMOVEXATTR -> w.name(Wire.IN_HEADER);
            case SYMLINK -> w.names(Wire.IN_HEADER);
            case MKNOD -> w.octal("mode", Wire.MKNOD_MODE).name(Wire.MKNOD_NAME);
            case MKDIR -> w.octal("mode", Wire.MKDIR_MODE).name(Wire.MKDIR_NAME);
            case CREATE ->
                w.octal("flags", Wire.CREATE_FLAGS)
                        .octal("mode", Wire.CREATE_MODE)
                        .name(Wire.CREATE_NAME);
            case TMPFILE -> w.octal("flags", Wire.CREATE_FLAGS).octal("mode", Wire.CREATE_MODE);
            case OPEN -> w.octal("flags", Wire.OPEN_IN_FLAGS);
            case LINK -> w.number("existing", Wire.LINK_NODE).name(Wire.LINK_NAME);
            case RENAME -> w.number("to", Wire.RENAME_DIRECTORY).names(Wire.RENAME_NAMES);
            case RENAME2 ->
                w.number("to", Wire.RENAME_DIRECTORY)
                        .octal("flags", Wire.RENAME2_FLAGS)
                        .names(Wire.RENAME2_NAMES);
            case SETATTR -> setattr(w);
            case READ, READDIR, READDIRPLUS -> w.number("at", Wire.READ_OFFSET).small("size", Wire.READ_SIZE);
            case WRITE -> w.number("at", Wire.WRITE_OFFSET).small("size", Wire.WRITE_SIZE);
            case FALLOCATE ->
                w.number("at", Wire.FALLOCATE_OFFSET)
                        .number("size", Wire.FALLOCATE_LENGTH)
                        .octal("mode", Wire.FALLOCATE_MODE);
            case LSEEK -> w.number("at", Wire.LSEEK_OFFSET).small("whence", Wire.LSEEK_WHENCE);
            case COPY_FILE_RANGE, COPY_FILE_RANGE_64 ->
                w.number("at", Wire.COPY_FROM_OFFSET)
                        .number("to", Wire.COPY_TO_NODE)
                        .number("at", Wire.COPY_TO_OFFSET)
                        .number("size", Wire.COPY_LENGTH);
            case GETXATTR -> w.small("size", Wire.GETXATTR_SIZE).name(Wire.GETXATTR_NAME);
            case LISTXATTR -> w.small("size", Wire.GETXATTR_SIZE);
            case SETXATTR -> w.small("size", Wire.SETXATTR_SIZE);
            case FORGET -> w.number("count", Wire.FORGET_COUNT);
            case BATCH_FORGET -> w.small("inodes", Wire.BATCH_COUNT);
            case IOCTL -> w.small("command", Wire.IOCTL_COMMAND);
            default -> {
                // the inode says it all
            }
        }
    }

    private static void setattr(Words w) {
        int valid = w.intAt(Wire.SETATTR_VALID);
        if ((valid & Wire.FATTR_MODE) != 0) {
            w.octal("mode", Wire.SETATTR_MODE);
        }
        if ((valid & Wire.FATTR_UID) != 0) {
            w.small("uid", Wire.SETATTR_UID);
        }
        if ((valid & Wire.FATTR_GID) != 0) {
            w.small("gid", Wire.SETATTR_GID);
        }
        if ((valid & Wire.FATTR_SIZE) != 0) {
            w.number("size", Wire.SETATTR_SIZE);
        }
        if ((valid & (Wire.FATTR_ATIME | Wire.FATTR_MTIME)) != 0) {
            w.word("times");
        }
    }

    /** Writes arguments as far as the kept bytes have them. */
    private record Words(StringBuilder text, ByteBuffer m) {
        int intAt(int at) {
            return at + Integer.BYTES <= m.capacity() ? m.getInt(at) : 0;
        }

        Words word(String word) {
            text.append(' ').append(word);
            return this;
        }

        Words small(String name, int at) {
            text.append(' ').append(name).append('=').append(Integer.toUnsignedString(intAt(at)));
            return this;
        }

        Words octal(String name, int at) {
            text.append(' ').append(name).append("=0").append(Integer.toOctalString(intAt(at)));
            return this;
        }

        Words number(String name, int at) {
            long n = at + Long.BYTES <= m.capacity() ? m.getLong(at) : 0;
            text.append(' ').append(name).append('=').append(Long.toUnsignedString(n));
            return this;
        }

        /** Two names, one behind the other. */
        void names(int at) {
            name(name(at));
        }

        /** In quotes; unprintable characters, and quotes, as {@code \\xNN}. @return where the next one begins */
        int name(int at) {
            byte[] all = m.array();
            int end = at;
            while (end < all.length && all[end] != 0) {
                end++;
            }
            text.append(" \"");
            String name = at < end ? new String(all, at, end - at, StandardCharsets.UTF_8) : "";
            name.chars().forEach(c -> {
                if (c < ' ' || c == '"' || c == '\\' || c == 0x7f) {
                    text.append(String.format("\\x%02x", c));
                } else {
                    text.append((char) c);
                }
            });
            text.append(end < all.length ? "\"" : "…\"");
            return end + 1;
        }
    }
}
