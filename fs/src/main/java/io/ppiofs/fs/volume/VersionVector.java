package io.ppiofs.fs.volume;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Per writer slot the highest clock whose changes are contained. Immutable. {@link #with}, {@link #merge} copy: O(n)
 * in the number of writers, done per checkpoint, not per operation; {@link #covers(Dot)} is O(log n).
 */
public final class VersionVector {
    /** Most writers of one volume. */
    public static final int MAX_WRITERS = 4096;

    public static final VersionVector EMPTY = new VersionVector(new TreeMap<>());

    private final SortedMap<Integer, Long> clocks;

    private VersionVector(SortedMap<Integer, Long> clocks) {
        if (clocks.size() > MAX_WRITERS) {
            throw new IllegalArgumentException("version vector of " + clocks.size() + " writers");
        }
        this.clocks = Collections.unmodifiableSortedMap(clocks);
    }

    /** Writer slot to highest clock. */
    public SortedMap<Integer, Long> clocks() {
        return clocks;
    }

    /** This vector, with everything of the dot's writer up to the dot. */
    public VersionVector with(Dot dot) {
        if (covers(dot)) {
            return this;
        }
        TreeMap<Integer, Long> copy = new TreeMap<>(clocks);
        copy.put(dot.writerSlot(), dot.hlc());
        return new VersionVector(copy);
    }

    /** What either contains. */
    public VersionVector merge(VersionVector o) {
        TreeMap<Integer, Long> copy = new TreeMap<>(clocks);
        o.clocks.forEach((slot, clock) -> copy.merge(slot, clock, Math::max));
        return new VersionVector(copy);
    }

    public boolean covers(Dot dot) {
        Long clock = clocks.get(dot.writerSlot());
        return clock != null && clock >= dot.hlc();
    }

    /** True if everything that {@code o} contains is contained here. */
    public boolean covers(VersionVector o) {
        return o.clocks.entrySet().stream().allMatch(e -> covers(new Dot(e.getValue(), e.getKey())));
    }

    /** The highest clock of any writer, 0 if empty. */
    public long latest() {
        return clocks.values().stream().mapToLong(Long::longValue).max().orElse(0);
    }

    CborMap toCbor() {
        CborMap.Builder map = CborMap.builder();
        clocks.forEach((slot, clock) -> map.put(slot, clock.longValue()));
        return map.build();
    }

    static VersionVector ofCbor(CborMap map) throws MalformedException {
        TreeMap<Integer, Long> clocks = new TreeMap<>();
        for (Map.Entry<Cbor, Cbor> e : map.entries().entrySet()) {
            if (!(e.getKey() instanceof CborInt slot && slot.value() >= 0 && slot.value() <= WriterCertificate.MAX_SLOT)
                    || !(e.getValue() instanceof CborInt clock && clock.value() >= 0)) {
                throw new MalformedException("a version vector has an entry that is no slot and clock");
            }
            clocks.put((int) slot.value(), clock.value());
        }
        return new VersionVector(clocks);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof VersionVector v && clocks.equals(v.clocks);
    }

    @Override
    public int hashCode() {
        return clocks.hashCode();
    }

    /** Slot@time pairs. */
    @Override
    public String toString() {
        return "VersionVector" + clocks;
    }
}
