package io.ppiofs.overlay.dht;

import io.ppiofs.blockstore.Cid;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Keys of provider records: multihashes; a CID stands for the multihash in it. */
final class ContentKey {
    /** Longest digest: 512 bits. */
    private static final int MAX_DIGEST = 64;

    private ContentKey() {}

    static byte[] of(Cid cid) {
        return Arrays.copyOfRange(cid.toBytes(), 2, Cid.BINARY_LENGTH);
    }

    /** The multihash that {@code key} is, or that it holds as a CIDv1; null if it is neither. */
    static byte @Nullable [] multihash(byte[] key) {
        if (key.length > DhtMessage.MAX_KEY) {
            return null;
        }
        if (isMultihash(ByteBuffer.wrap(key))) {
            return key;
        }
        ByteBuffer in = ByteBuffer.wrap(key);
        if (varint(in) != 1 || varint(in) < 0) {
            return null;
        }
        return isMultihash(in.slice()) ? Arrays.copyOfRange(key, in.position(), key.length) : null;
    }

    private static boolean isMultihash(ByteBuffer in) {
        if (varint(in) < 0) {
            return false;
        }
        int length = varint(in);
        return length > 0 && length <= MAX_DIGEST && length == in.remaining();
    }

    /** An unsigned varint of at most four bytes, or −1. */
    private static int varint(ByteBuffer in) {
        int value = 0;
        for (int shift = 0; shift < 28 && in.hasRemaining(); shift += 7) {
            byte b = in.get();
            value |= (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
        return -1;
    }
}
