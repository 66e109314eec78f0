package io.ppiofs.fs.volume;

import java.nio.ByteBuffer;

/**
 * When and by whom something was written: a time of the {@link HybridLogicalClock} and a writer slot. No two events of
 * a volume have the same dot; the order (time, then slot) is total and agrees with causality.
 */
public record Dot(long hlc, int writerSlot) implements Comparable<Dot> {
    /** Bytes of the encoded form: time u64, slot u24, big-endian, so that encoded dots sort like dots. */
    public static final int ENCODED_LENGTH = 11;

    public Dot {
        if (hlc < 0) {
            throw new IllegalArgumentException("time " + hlc);
        }
        WriterCertificate.requireSlot(writerSlot);
    }

    /** Appends the {@value #ENCODED_LENGTH} bytes. */
    public void writeTo(ByteBuffer out) {
        out.putLong(hlc).put((byte) (writerSlot >>> 16)).putShort((short) writerSlot);
    }

    /** Reads what {@link #writeTo} wrote; IllegalArgumentException if it cannot have been. */
    public static Dot readFrom(ByteBuffer in) {
        return new Dot(in.getLong(), (in.get() & 0xff) << 16 | in.getShort() & 0xffff);
    }

    @Override
    public int compareTo(Dot o) {
        int byTime = Long.compare(hlc, o.hlc);
        return byTime != 0 ? byTime : Integer.compare(writerSlot, o.writerSlot);
    }
}
