package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The value of an extended attribute or a symbolic link: its bytes, or, if it is too long for the map, the ref of a
 * block that holds them.
 *
 * @param bytes the value if {@code ref} is null, else empty
 */
record StoredValue(byte[] bytes, @Nullable BlockRef ref) {
    static final int IN_MAP = 0;
    static final int IN_BLOCK = 1;

    static byte[] inMap(byte[] value) {
        return new RecordWriter(value.length + 1).u8(IN_MAP).bytes(value).toBytes();
    }

    static byte[] inBlock(BlockRef ref) {
        byte[] out = new byte[1 + BlockRef.ENCODED_LENGTH];
        out[0] = IN_BLOCK;
        ref.writeTo(ByteBuffer.wrap(out, 1, BlockRef.ENCODED_LENGTH));
        return out;
    }

    static StoredValue decode(byte[] stored) {
        RecordReader r = new RecordReader(stored, "value");
        int form = r.u8();
        switch (form) {
            case IN_MAP -> {
                return new StoredValue(r.rest(), null);
            }
            case IN_BLOCK -> {
                BlockRef ref = r.ref();
                r.end();
                if (ref.length() > VolumeFileSystem.MAX_XATTR_VALUE) {
                    throw r.corrupt("a value has " + ref.length() + " bytes");
                }
                return new StoredValue(new byte[0], ref);
            }
            default ->
                throw new PpiofsException(
                        ErrorKind.UNSUPPORTED_FORMAT,
                        "read",
                        "value",
                        "form " + form + " was written by a newer ppiofs; upgrade");
        }
    }
}
