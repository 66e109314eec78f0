package io.ppiofs.node.audit;

import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealOrder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a tenant keeps of a slot that it ordered to be sealed. File: CBOR map {1: version 1, 2: order, 3: acceptance or null, 4: result of the last window (0 none, 1
 * PASS, 2 FAIL, 3 SUSPECT), 5: its epoch, 6: why not}.
 *
 * @param acceptance null until the replication was checked
 * @param window how the last window ended; null for none
 * @param reason half a sentence; empty if it passed
 */
record SealedSlot(
        SealOrder order,
        @Nullable SealAcceptance acceptance,
        AuditOutcome.@Nullable Result window,
        long epoch,
        String reason) {
    private static final int VERSION = 1;
    private static final int MAX_REASON = 500;
    private static final int MAX_FILE = 8 << 10;

    static SealedSlot ordered(SealOrder order) {
        return new SealedSlot(order, null, null, 0, "");
    }

    /** The same under this order, with this acceptance. */
    SealedSlot with(SealOrder under, @Nullable SealAcceptance accepted) {
        return new SealedSlot(under, accepted, window, epoch, reason);
    }

    SealedSlot with(WindowOutcome outcome) {
        return new SealedSlot(order, acceptance, outcome.result(), outcome.epoch(), outcome.reason());
    }

    void save(Path file) {
        SealAcceptance accepted = acceptance;
        AuditOutcome.Result last = window;
        String why = reason.length() > MAX_REASON ? reason.substring(0, MAX_REASON) : reason;
        DurableFile.replace(
                file,
                CborEncoder.encode(CborMap.builder()
                        .put(1, new CborInt(VERSION))
                        .put(2, order.envelope())
                        .put(3, accepted == null ? CborSimple.NULL : CborBytes.of(accepted.envelope()))
                        .put(4, new CborInt(last == null ? 0 : last.ordinal() + 1))
                        .put(5, new CborInt(epoch))
                        .put(6, new CborText(why))
                        .build()),
                "write sealed slot");
    }

    /** @return null if there is no file, or it is none: then it is ordered anew, and the holder says what it has */
    static @Nullable SealedSlot load(Path file, NetworkId network) {
        byte[] bytes = DurableFile.read(file, MAX_FILE, "read sealed slot");
        if (bytes == null) {
            return null;
        }
        try {
            CborMap map = CborDecoder.decodeMap(bytes);
            map.requireFields(6);
            if (map.uint(1, Integer.MAX_VALUE) != VERSION) {
                return null;
            }
            SealOrder order = SealOrder.open(map.bytes(2, 1, SealOrder.MAX_ENVELOPE), network);
            SealAcceptance accepted = map.get(3) instanceof CborSimple
                    ? null
                    : SealAcceptance.open(map.bytes(3, 1, SealAcceptance.MAX_ENVELOPE), network);
            AuditOutcome.Result[] results = AuditOutcome.Result.values();
            int last = (int) map.uint(4, results.length);
            return new SealedSlot(
                    order,
                    accepted != null && accepted.isOf(order) ? accepted : null,
                    last == 0 ? null : results[last - 1],
                    map.uint(5, Long.MAX_VALUE),
                    map.text(6, MAX_REASON));
        } catch (MalformedException | PpiofsException e) {
            return null;
        }
    }
}
