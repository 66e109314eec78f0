package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import java.util.Arrays;

/**
 * How far a holder is with a slot that it was ordered to seal. Fields 2 to 7 of an answer: state, sector, commD, commR, order, acceptance. Immutable as long as
 * nobody writes to the arrays, which are not copied.
 *
 * @param sector its number at the holder; 0 while queued
 * @param commD 32 bytes once sealed; else empty
 * @param commR likewise
 * @param order under which it is sealed: the one that was asked about, or an earlier one of the same content
 * @param acceptance that the holder has for it; empty for none
 */
public record SealStatus(State state, long sector, byte[] commD, byte[] commR, byte[] order, byte[] acceptance) {
    /** The ordinal is the number on the wire: append only. */
    public enum State {
        QUEUED,
        SEALING,
        /** There is a replica, and a proof of replication can be had. */
        SEALED,
        /** Its replication was accepted: it proves windows. */
        PROVING
    }

    private static final int HASH = 32;

    public SealStatus {
        boolean sealed = state.compareTo(State.SEALED) >= 0;
        int hash = sealed ? HASH : 0;
        if (sector < 0
                || commD.length != hash
                || commR.length != hash
                || order.length < 1
                || order.length > SealOrder.MAX_ENVELOPE
                || acceptance.length > SealAcceptance.MAX_ENVELOPE) {
            throw new IllegalArgumentException("no status of a sealed slot: " + state);
        }
    }

    /** Not sealed yet. */
    public static SealStatus waiting(State state, long sector, SealOrder order) {
        return new SealStatus(state, sector, new byte[0], new byte[0], order.envelope(), new byte[0]);
    }

    CborMap.Builder fields() {
        return CborMap.builder()
                .put(2, state.ordinal())
                .put(3, sector)
                .put(4, commD)
                .put(5, commR)
                .put(6, order)
                .put(7, acceptance);
    }

    static SealStatus read(CborMap fields) throws MalformedException {
        fields.requireFields(7);
        State[] states = State.values();
        try {
            return new SealStatus(
                    states[(int) fields.uint(2, states.length - 1)],
                    fields.uint(3, Long.MAX_VALUE),
                    fields.bytes(4, 0, HASH),
                    fields.bytes(5, 0, HASH),
                    fields.bytes(6, 1, SealOrder.MAX_ENVELOPE),
                    fields.bytes(7, 0, SealAcceptance.MAX_ENVELOPE));
        } catch (IllegalArgumentException e) {
            throw new MalformedException(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SealStatus other
                && state == other.state
                && sector == other.sector
                && Arrays.equals(commD, other.commD)
                && Arrays.equals(commR, other.commR)
                && Arrays.equals(order, other.order)
                && Arrays.equals(acceptance, other.acceptance);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(order) * 31 + state.ordinal();
    }
}
