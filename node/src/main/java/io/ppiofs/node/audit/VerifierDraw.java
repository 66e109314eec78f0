package io.ppiofs.node.audit;

import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
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
 *
 * <p>Names cost nothing, so the draw alone could be won by somebody who makes up verifiers. Therefore each one also audits each slot in one of {@value #WINDOW}
 * epochs that it does not tell anybody, whatever was drawn.
 */
public final class VerifierDraw {
    /** Verifiers of a slot in an epoch, while there are so many. */
    public static final int EACH = 2;

    /** In one of so many epochs a verifier audits a slot although others were drawn. */
    public static final int WINDOW = 8;

    private static final byte[] LABEL = "ppiofs audit draw v1".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] TURN = "ppiofs audit turn v1".getBytes(StandardCharsets.US_ASCII);

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

    /**
     * Whether a verifier audits the slot in this epoch whoever else does: once in each {@value #WINDOW} epochs, when nobody else knows.
     *
     * @param secret of the verifier alone
     */
    public static boolean isTurn(byte[] secret, SlotTable table, int slot, long epoch, PeerId self) {
        byte[] drawn = new Sha256()
                .update(TURN)
                .update(secret)
                .update(place(table.slot(slot), Math.floorDiv(epoch, WINDOW)))
                .digest();
        boolean now = Math.floorMod(drawn[0], WINDOW) == Math.floorMod(epoch, WINDOW);
        return now && !self.equals(table.holders().get(slot));
    }

    private static byte[] lot(NetworkId network, SlotAddress slot, long epoch, PeerId verifier) {
        return new Sha256()
                .update(LABEL)
                .update(network.bytes())
                .update(place(slot, epoch))
                .update(verifier.toBytes())
                .digest();
    }

    private static byte[] place(SlotAddress slot, long epoch) {
        return ByteBuffer.allocate(GroupId.LENGTH + Integer.BYTES + Long.BYTES)
                .put(slot.group().bytes())
                .putInt(slot.slot())
                .putLong(epoch)
                .array();
    }
}
