package io.ppiofs.proofs.lpoc;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.Sha256;
import java.util.ArrayList;
import java.util.List;

/**
 * How a ledger became another one: each change with the path of its place in the ledger before it. Whoever has both roots sees
 * that exactly these units came and went. Deterministic CBOR map {1: 1, 2: list of [number, 0 gone or 1 come, commR, path]}.
 */
public record LedgerChanges(List<Step> steps) {
    /** Most changes in one proof. */
    public static final int MAX_STEPS = 1024;
    /** Longest encoded proof. */
    public static final int MAX_BYTES = 2 << 20;

    public LedgerChanges {
        steps = List.copyOf(steps);
    }

    /**
     * A unit that came or went; arrays are not copied.
     *
     * @param commR 32 bytes, the unit's commitment
     */
    public record Change(long number, boolean come, byte[] commR) {
        /** The ledger after it. @throws IllegalArgumentException if it cannot happen to this ledger */
        public UnitLedger applied(UnitLedger ledger) {
            return come ? ledger.with(number, commR) : ledger.without(number);
        }

        /** What takes it back. */
        public Change reversed() {
            return new Change(number, !come, commR);
        }
    }

    /** A change, and what is beside the way from its place to the root of the ledger before it. */
    public record Step(Change change, LedgerPath path) {
        /** The root after the change. @throws MalformedException if the ledger before it has not that root */
        LedgerRoot after(LedgerRoot before) throws MalformedException {
            LedgerRoot unit = LedgerRoot.unit(change.number(), change.commR());
            LedgerRoot from = change.come() ? LedgerRoot.EMPTY : unit;
            LedgerRoot to = change.come() ? unit : LedgerRoot.EMPTY;
            if (!path.root(change.number(), from).equals(before)) {
                throw new MalformedException(
                        "unit " + change.number() + " was not " + (change.come() ? "away" : "there"));
            }
            return path.root(change.number(), to);
        }

        private Cbor toCbor() {
            return new CborArray(List.of(
                    new CborInt(change.number()),
                    new CborInt(change.come() ? 1 : 0),
                    CborBytes.of(change.commR()),
                    CborBytes.of(path.toBytes())));
        }

        private static Step fromCbor(Cbor value) throws MalformedException {
            CborArray parts = ProofBytes.parts(value, 4);
            Change change = new Change(
                    ProofBytes.number(parts, 0, UnitLedger.MAX_NUMBER),
                    ProofBytes.number(parts, 1, 1) == 1,
                    ProofBytes.bytes(parts, 2, Sha256.BYTES, Sha256.BYTES));
            return new Step(change, LedgerPath.fromBytes(ProofBytes.bytes(parts, 3, 0, LedgerPath.MAX_BYTES)));
        }
    }

    /** What a prover shows who has the ledger before the changes. */
    public static LedgerChanges of(UnitLedger before, List<Change> changes) {
        List<Step> steps = new ArrayList<>();
        UnitLedger ledger = before;
        for (Change change : changes) {
            steps.add(new Step(change, ledger.path(change.number())));
            ledger = change.applied(ledger);
        }
        return new LedgerChanges(steps);
    }

    public byte[] toBytes() {
        List<Cbor> list = new ArrayList<>();
        steps.forEach(step -> list.add(step.toCbor()));
        return CborEncoder.encode(CborMap.builder()
                .put(1, ProofBytes.VERSION)
                .put(2, new CborArray(list))
                .build());
    }

    /** @throws PpiofsException CORRUPT if the bytes are no proof, TOO_BIG if there are too many */
    public static LedgerChanges fromBytes(byte[] bytes) {
        return ProofBytes.decode(bytes, MAX_BYTES, "read changes of capacity", 2, map -> {
            List<Step> steps = new ArrayList<>();
            for (Cbor item : map.array(2, MAX_STEPS).items()) {
                steps.add(Step.fromCbor(item));
            }
            return new LedgerChanges(steps);
        });
    }
}
