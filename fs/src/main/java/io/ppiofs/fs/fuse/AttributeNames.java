package io.ppiofs.fs.fuse;

import io.ppiofs.fs.core.FileName;
import java.nio.ByteBuffer;
import java.util.List;

/** The answer to listxattr(2). */
public final class AttributeNames {
    private AttributeNames() {}

    /**
     * Names one after the other, each ended by NUL. Trusted attributes show themselves to root alone (xattr(7)); the
     * kernel hides their values, but not their names.
     *
     * @param uid who asks
     */
    public static byte[] listed(List<FileName> names, int uid) {
        List<FileName> shown = uid == 0
                ? names
                : names.stream()
                        .filter(n -> !n.toString().startsWith("trusted."))
                        .toList();
        ByteBuffer all = ByteBuffer.allocate(
                shown.stream().mapToInt(n -> n.bytes().length + 1).sum());
        shown.forEach(n -> all.put(n.bytes()).put((byte) 0));
        return all.array();
    }
}
