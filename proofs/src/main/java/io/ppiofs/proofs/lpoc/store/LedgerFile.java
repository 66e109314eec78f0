package io.ppiofs.proofs.lpoc.store;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.lpoc.LedgerChanges;
import io.ppiofs.proofs.lpoc.LedgerChanges.Change;
import io.ppiofs.proofs.lpoc.UnitLedger;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The ledger as it is on the disk, with the last changes. Immutable. Deterministic CBOR map {1: 1, 2: nodes of a unit, 3: parameters, 4:
 * sequence, 5: list of [number, commR], 6: list of [number, 0 gone or 1 come, commR], the oldest first}.
 *
 * @param sequence the number of changes there ever were
 * @param recent the latest of them, at most {@link LedgerChanges#MAX_STEPS}
 */
record LedgerFile(int nodes, SealParameters parameters, long sequence, UnitLedger ledger, List<Change> recent) {
    /** Most units: 64 TiB of 1 GiB. */
    static final int MAX_UNITS = 1 << 16;

    private static final int MAX_BYTES = 8 << 20;
    private static final int VERSION = 1;
    private static final String OPERATION = "open ledger of idle units";

    LedgerFile {
        recent = List.copyOf(recent);
    }

    /** After one more change. */
    LedgerFile with(Change change) {
        List<Change> latest = new ArrayList<>(recent);
        latest.add(change);
        int from = Math.max(0, latest.size() - LedgerChanges.MAX_STEPS);
        return new LedgerFile(
                nodes, parameters, sequence + 1, change.applied(ledger), latest.subList(from, latest.size()));
    }

    /** Without a unit other units may be made. */
    LedgerFile of(int newNodes, SealParameters newParameters) {
        return new LedgerFile(newNodes, newParameters, sequence, ledger, recent);
    }

    /** Whether one of the latest changes is that this unit went. */
    boolean hasReleased(long number) {
        return recent.stream().anyMatch(change -> !change.come() && change.number() == number);
    }

    /** How the ledger came from that of {@code since} to this; null if it is not known any more, or was never so. */
    @Nullable
    LedgerChanges since(long since) {
        long steps = sequence - since;
        if (steps < 0 || steps > recent.size()) {
            return null;
        }
        List<Change> changes = recent.subList(recent.size() - (int) steps, recent.size());
        UnitLedger before = ledger;
        for (int i = changes.size() - 1; i >= 0; i--) {
            before = changes.get(i).reversed().applied(before);
        }
        return LedgerChanges.of(before, changes);
    }

    void save(Path file) {
        List<Cbor> units = new ArrayList<>();
        for (long number : ledger.numbers()) {
            byte[] commR = Objects.requireNonNull(ledger.commitment(number));
            units.add(new CborArray(List.of(new CborInt(number), CborBytes.of(commR))));
        }
        List<Cbor> changes = new ArrayList<>();
        for (Change change : recent) {
            changes.add(new CborArray(List.of(
                    new CborInt(change.number()), new CborInt(change.come() ? 1 : 0), CborBytes.of(change.commR()))));
        }
        DurableFile.replace(
                file,
                CborEncoder.encode(CborMap.builder()
                        .put(1, VERSION)
                        .put(2, nodes)
                        .put(3, new CborText(parameters.name()))
                        .put(4, sequence)
                        .put(5, new CborArray(units))
                        .put(6, new CborArray(changes))
                        .build()),
                "save ledger of idle units");
    }

    /** @throws PpiofsException CORRUPT, IO */
    static @Nullable LedgerFile load(Path file) {
        byte[] bytes = DurableFile.read(file, MAX_BYTES, OPERATION);
        if (bytes == null) {
            return null;
        }
        try {
            return fromBytes(bytes);
        } catch (MalformedException | IllegalArgumentException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    OPERATION,
                    file.toString(),
                    e.getMessage() + "; delete the directory, idle space can be filled again",
                    e);
        }
    }

    private static LedgerFile fromBytes(byte[] bytes) throws MalformedException {
        CborMap map = CborDecoder.decodeMap(bytes);
        map.requireFields(6);
        if (map.uint(1, Integer.MAX_VALUE) != VERSION) {
            throw new MalformedException("its version is not " + VERSION);
        }
        UnitLedger ledger = UnitLedger.EMPTY;
        for (Cbor item : map.array(5, MAX_UNITS).items()) {
            List<Cbor> unit = parts(item, 2);
            ledger = ledger.with(number(unit.get(0)), commitment(unit.get(1)));
        }
        List<Change> recent = new ArrayList<>();
        for (Cbor item : map.array(6, LedgerChanges.MAX_STEPS).items()) {
            List<Cbor> change = parts(item, 3);
            recent.add(new Change(number(change.get(0)), number(change.get(1)) == 1, commitment(change.get(2))));
        }
        return new LedgerFile(
                (int) map.uint(2, ReplicaGeometry.MAX_NODES),
                SealParameters.named(map.text(3, 32)),
                map.uint(4, Long.MAX_VALUE),
                ledger,
                recent);
    }

    private static List<Cbor> parts(Cbor item, int count) throws MalformedException {
        if (item instanceof CborArray list && list.items().size() == count) {
            return list.items();
        }
        throw new MalformedException("an item is no list of " + count);
    }

    private static long number(Cbor item) throws MalformedException {
        if (item instanceof CborInt i) {
            return i.value();
        }
        throw new MalformedException("an item is no number");
    }

    private static byte[] commitment(Cbor item) throws MalformedException {
        if (item instanceof CborBytes b && b.length() == Sha256.BYTES) {
            return b.value();
        }
        throw new MalformedException("an item is no commitment");
    }
}
