package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Files of the root directory that exist only while mounted, for example {@code .stats}; never listed. Immutable. */
final class VirtualFiles {
    private static final long VIEW = 0xFFL << 56;

    /** Its inode number is of a view of its own. */
    record VirtualFile(long ino, Supplier<byte[]> content) {
        /** @param owner who alone may read private content, whose size is not told */
        Attr attr(Timestamp now, Caller owner) {
            if (content instanceof PrivateContent) {
                int mode = FileType.REGULAR.bits() | 0400;
                return new Attr(new Ino(ino), mode, 1, owner.uid(), owner.gid(), 0, 0, 0, now, now, now, null);
            }
            int size = content.get().length;
            return new Attr(new Ino(ino), FileType.REGULAR.bits() | 0444, 1, 0, 0, 0, size, 0, now, now, now, null);
        }
    }

    /** Shows what the content was at open. */
    record OpenVirtual(Ino ino, OpenFlags flags, byte[] content) implements OpenFile {
        int read(long offset, ByteBuffer dst) {
            if (offset < 0) {
                throw PpiofsException.expected(ErrorKind.INVALID, "read", ino.toString());
            }
            int n = (int) Math.max(0, Math.min(dst.remaining(), content.length - offset));
            if (n > 0) {
                dst.put(content, (int) offset, n);
            }
            return n;
        }
    }

    private final Map<FileName, VirtualFile> byName = new LinkedHashMap<>();

    VirtualFiles(Map<FileName, Supplier<byte[]>> contents) {
        long next = VIEW | 1;
        // in an order of their own: the numbers must be the same in every process, for the kernel remembers them
        List<Map.Entry<FileName, Supplier<byte[]>>> sorted = new ArrayList<>(contents.entrySet());
        sorted.sort(Comparator.comparing(e -> e.getKey().toString()));
        for (Map.Entry<FileName, Supplier<byte[]>> e : sorted) {
            byName.put(e.getKey(), new VirtualFile(next++, e.getValue()));
        }
    }

    @Nullable
    VirtualFile find(Ino parent, FileName name) {
        return parent.value() == Ino.ROOT.value() ? byName.get(name) : null;
    }

    @Nullable
    VirtualFile find(Ino ino) {
        if ((ino.value() & VIEW) != VIEW) {
            return null;
        }
        for (VirtualFile v : byName.values()) {
            if (v.ino() == ino.value()) {
                return v;
            }
        }
        return null;
    }
}
