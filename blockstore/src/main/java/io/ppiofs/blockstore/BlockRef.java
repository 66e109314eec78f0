package io.ppiofs.blockstore;

import java.nio.ByteBuffer;

/**
 * All that is needed to read a block: where (CID), with what (key), how much (plaintext bytes), and under which key
 * epoch it was sealed. Whoever holds a ref can read the block; refs live only inside sealed nodes and journal records.
 *
 * @param length plaintext bytes, 0 … 4 MiB
 * @param epoch key epoch of the volume, ≥ 0
 * @param flags reserved, 0
 */
public record BlockRef(Cid cid, BlockKey key, int length, int epoch, int flags) {
    /** Bytes of the encoded form: digest 32, key 32, length u32, epoch u16, flags u16, big-endian. */
    public static final int ENCODED_LENGTH = 72;

    public BlockRef {
        if (length < 0 || epoch < 0 || epoch > 0xffff || flags < 0 || flags > 0xffff) {
            throw new IllegalArgumentException("ref out of range: length " + length + ", epoch " + epoch);
        }
    }

    /** By name alone: equal refs have equal names, and hashing the key would cost every cache lookup. */
    @Override
    public int hashCode() {
        return cid.hashCode();
    }

    /** Appends the {@value #ENCODED_LENGTH} bytes. */
    public void writeTo(ByteBuffer out) {
        cid.writeDigest(out);
        out.put(key.bytes()).putInt(length).putShort((short) epoch).putShort((short) flags);
    }

    /** Reads what {@link #writeTo} wrote. */
    public static BlockRef readFrom(ByteBuffer in) {
        Cid cid = Cid.readDigest(in);
        byte[] key = new byte[BlockKey.LENGTH];
        in.get(key);
        return new BlockRef(cid, BlockKey.of(key), in.getInt(), in.getShort() & 0xffff, in.getShort() & 0xffff);
    }
}
