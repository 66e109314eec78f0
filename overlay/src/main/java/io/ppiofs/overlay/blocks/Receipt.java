package io.ppiofs.overlay.blocks;

import io.ppiofs.overlay.identity.PeerId;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a receiver says it got from a server on one stream, cumulatively: a later receipt replaces all earlier ones.
 *
 * @param tenant for whom the bytes were fetched; the receiver itself where no tenant was named
 * @param sequence from 1, grows with each receipt of this stream and tenant
 * @param bytes payload received in all on this stream for this tenant
 * @param signature by the receiver, of what its {@link Signer} decides; empty if it signs nothing
 */
public record Receipt(PeerId tenant, long sequence, long bytes, byte[] signature) {
    /** Longest signature that is taken. */
    public static final int MAX_SIGNATURE = 1024;

    /** Signs receipts for a server; {@link #NONE} until receipts are worth something. Called on the stream's event loop. */
    @FunctionalInterface
    public interface Signer {
        /** No signatures. */
        Signer NONE = (server, tenant, sequence, bytes) -> new byte[0];

        byte[] sign(PeerId server, PeerId tenant, long sequence, long bytes);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Receipt r
                && tenant.equals(r.tenant)
                && sequence == r.sequence
                && bytes == r.bytes
                && Arrays.equals(signature, r.signature);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(sequence * 31 + bytes) ^ tenant.hashCode();
    }
}
