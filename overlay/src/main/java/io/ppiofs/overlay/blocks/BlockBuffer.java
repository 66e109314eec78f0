package io.ppiofs.overlay.blocks;

import io.netty.buffer.ByteBuf;
import io.ppiofs.blockstore.Cid;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** A block that is arriving: filled in order and hashed on the way, so that its end costs no further pass. One thread at a time. */
final class BlockBuffer {
    private final Cid cid;
    private final byte[] bytes;
    private final MessageDigest sha256;
    private int filled;

    /** @param length bounded by the caller */
    BlockBuffer(Cid cid, int length) {
        this.cid = cid;
        this.bytes = new byte[length];
        try {
            this.sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    Cid cid() {
        return cid;
    }

    int length() {
        return bytes.length;
    }

    int filled() {
        return filled;
    }

    boolean isFull() {
        return filled == bytes.length;
    }

    /** Appends all of {@code data}, which stays the caller's and must fit. */
    void append(ByteBuf data) {
        int n = data.readableBytes();
        data.readBytes(bytes, filled, n);
        sha256.update(bytes, filled, n);
        filled += n;
    }

    /** Of a full buffer, once: whether these are the bytes that the CID names. */
    boolean isRight() {
        return isFull() && Cid.ofDigest(sha256.digest()).equals(cid);
    }

    ByteBuffer bytes() {
        return ByteBuffer.wrap(bytes);
    }
}
