package io.ppiofs.node.audit;

import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;

/**
 * Who of a volume's verifiers audits which slot in an epoch: of those that do not hold it themselves, those {@value #EACH} whose SHA-256 over {@code "ppiofs audit draw v1"}, network, group, slot,
 * epoch and their peer id is least, compared as unsigned bytes; all, if there are fewer. Everybody who knows the same verifiers draws the same ones, and
 * who knows fewer draws himself where the others do not count on him, never the other way round.
 */
public final class VerifierDraw {
    /** Verifiers of a slot in an epoch, while there are so many. */
    public static final int EACH = 2;

    private static final byte[] LABEL = "ppiofs audit draw v1".getBytes(StandardCharsets.US_ASCII);

    private VerifierDraw() {}

    /**
     * @param table whatever generation it is of
     * @param epoch number of the interval of audits since 1970
     * @param others verifiers beside this one; it may be among them
     */
    public static boolean isDrawn(
            NetworkId network, SlotTable table, int slot, long epoch, PeerId self, Collection<PeerId> others) {
        PeerId holder = table.holders().get(slot);
        byte[] mine = lot(network, table.slot(slot), epoch, self);
        long before = others.stream()
                .filter(other -> !other.equals(self) && !other.equals(holder))
                .distinct()
                .filter(other -> Arrays.compareUnsigned(lot(network, table.slot(slot), epoch, other), mine) < 0)
                .count();
        return !self.equals(holder) && before < EACH;
    }

    private static byte[] lot(NetworkId network, SlotAddress slot, long epoch, PeerId verifier) {
        return new Sha256()
                .update(LABEL)
                .update(network.bytes())
                .update(slot.group().bytes())
                .update(ByteBuffer.allocate(Integer.BYTES + Long.BYTES)
                        .putInt(slot.slot())
                        .putLong(epoch)
                        .array())
                .update(verifier.toBytes())
                .digest();
    }
}
