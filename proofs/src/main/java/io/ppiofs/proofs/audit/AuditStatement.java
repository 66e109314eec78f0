package io.ppiofs.proofs.audit;

import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What is to be audited. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param network 32 bytes
 * @param tenant the peer id under which the group is stored, 1 to {@value #MAX_TENANT} bytes
 * @param group 16 bytes
 * @param slot from 0
 * @param inventory digest of the group's inventory, 32 bytes: it says which units there are, and in which order
 * @param epoch a number that a verifier uses once per slot; seconds since 1970
 * @param units how many are challenged, 1 to {@value #MAX_UNITS}
 */
public record AuditStatement(
        byte[] network,
        byte[] tenant,
        byte[] group,
        int slot,
        byte[] inventory,
        long epoch,
        int units,
        AuditForm form) {
    /** Most units of one challenge. */
    public static final int MAX_UNITS = 4096;

    /** Most bytes of a tenant's id. */
    public static final int MAX_TENANT = 128;

    private static final int GROUP = 16;
    private static final byte[] DOMAIN = "ppiofs audit challenge v1".getBytes(StandardCharsets.US_ASCII);

    public AuditStatement {
        if (network.length != Sha256.BYTES
                || tenant.length < 1
                || tenant.length > MAX_TENANT
                || group.length != GROUP
                || slot < 0
                || inventory.length != Sha256.BYTES
                || epoch < 0
                || units < 1
                || units > MAX_UNITS) {
            throw new IllegalArgumentException("no audit: slot " + slot + ", epoch " + epoch + ", " + units + " units");
        }
    }

    /** What the verifier signs: different for different statements. */
    public byte[] message() {
        return ByteBuffer.allocate(DOMAIN.length
                        + network.length
                        + Integer.BYTES
                        + tenant.length
                        + GROUP
                        + inventory.length
                        + 2 * Integer.BYTES
                        + Long.BYTES
                        + 1)
                .put(DOMAIN)
                .put(network)
                .putInt(tenant.length)
                .put(tenant)
                .put(group)
                .putInt(slot)
                .put(inventory)
                .putLong(epoch)
                .putInt(units)
                .put((byte) form.ordinal())
                .array();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof AuditStatement other && Arrays.equals(message(), other.message());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(message());
    }
}
