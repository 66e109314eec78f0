package io.ppiofs.node.sectors;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealOrder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * For whom a sector was sealed: {@code SECTOR/order} and, once its replication was accepted, {@code SECTOR/accepted}, the signed records as they came.
 *
 * @param accepted null as long as nobody has checked the replication
 */
record SectorOrder(SealOrder order, @Nullable SealAcceptance accepted) {
    private static final String ORDER = "order";
    private static final String ACCEPTED = "accepted";
    private static final String OPEN = "open sector";

    static void save(Path sector, SealOrder order) {
        DurableFile.replace(sector.resolve(ORDER), order.envelope(), "create sector");
    }

    static void save(Path sector, SealAcceptance accepted) {
        DurableFile.replace(sector.resolve(ACCEPTED), accepted.envelope(), "change sector");
    }

    /** Null if nobody ordered it, or one cannot read who. */
    static @Nullable SectorOrder load(Path sector, NetworkId network) {
        try {
            byte[] order = DurableFile.read(sector.resolve(ORDER), SealOrder.MAX_ENVELOPE, OPEN);
            if (order == null) {
                return null;
            }
            byte[] accepted = DurableFile.read(sector.resolve(ACCEPTED), SealAcceptance.MAX_ENVELOPE, OPEN);
            SealOrder opened = SealOrder.open(order, network);
            SealAcceptance acceptance = accepted == null ? null : SealAcceptance.open(accepted, network);
            return new SectorOrder(opened, acceptance != null && acceptance.isOf(opened) ? acceptance : null);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.CORRUPT || e.kind() == ErrorKind.UNSUPPORTED_FORMAT) {
                return null; // of another network, or damaged
            }
            throw e;
        }
    }
}
