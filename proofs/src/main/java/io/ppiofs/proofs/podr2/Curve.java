package io.ppiofs.proofs.podr2;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.math.BigInteger;
import supranational.blst.P1;
import supranational.blst.P1_Affine;
import supranational.blst.P2;
import supranational.blst.P2_Affine;

/** The few operations on BLS12-381 that tags need. blst's objects change in place; nothing here changes its arguments. */
final class Curve {
    static final int G1_BYTES = 48;
    static final int G2_BYTES = 96;

    private static final String DOMAIN = "PPIOFS-PODR2-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_";

    private Curve() {}

    /** The point that stands for a unit's name (RFC 9380). */
    static P1 hash(UnitName name) {
        return new P1().hash_to(name.message(), DOMAIN);
    }

    static P1 times(P1 point, BigInteger scalar) {
        return scalar.signum() == 0 ? new P1() : point.dup().mult(scalar);
    }

    static P2 times(P2 point, BigInteger scalar) {
        return point.dup().mult(scalar);
    }

    /**
     * A point of the right order, in compressed form.
     *
     * @throws PpiofsException CORRUPT for any other bytes
     */
    static P1 g1(byte[] bytes) {
        try {
            P1_Affine point = new P1_Affine(bytes);
            if (bytes.length == G1_BYTES && point.in_group()) {
                return point.to_jacobian();
            }
        } catch (RuntimeException e) {
            throw refused("G1", e.toString());
        }
        throw refused("G1", "it is not in the group");
    }

    /** As {@link #g1}; the point at infinity is refused, too. */
    static P2 g2(byte[] bytes) {
        try {
            P2_Affine point = new P2_Affine(bytes);
            if (bytes.length == G2_BYTES && point.in_group() && !point.is_inf()) {
                return point.to_jacobian();
            }
        } catch (RuntimeException e) {
            throw refused("G2", e.toString());
        }
        throw refused("G2", "it is not in the group");
    }

    private static PpiofsException refused(String group, String reason) {
        return new PpiofsException(
                ErrorKind.CORRUPT,
                "read point of " + group,
                DOMAIN.substring(0, 15),
                reason + "; ask the sender again");
    }

    /** The bytes of a domain, for hashes. */
    static byte[] domain(String text) {
        return text.getBytes(US_ASCII);
    }
}
