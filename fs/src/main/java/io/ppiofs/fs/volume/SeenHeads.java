package io.ppiofs.fs.volume;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What this machine remembers of the heads it has seen: the merged version vector and each writer's last sequence. A
 * head that holds less has gone back. Sealed with a key of the volume, so a changed memory is noticed.
 */
record SeenHeads(VersionVector versions, SortedMap<Integer, Long> sequences) {
    static final SeenHeads NONE = new SeenHeads(VersionVector.EMPTY, new TreeMap<>());
    static final int MAX_LENGTH = 128 * 1024;

    private static final byte[] LABEL = "ppiofs/1/seen".getBytes(StandardCharsets.UTF_8);
    private static final byte[] NONCE = new byte[Aead.NONCE_LENGTH];

    SeenHeads {
        sequences = Collections.unmodifiableSortedMap(new TreeMap<>(sequences));
    }

    SeenHeads with(Head head) {
        TreeMap<Integer, Long> copy = new TreeMap<>(sequences);
        copy.merge(head.clear().certificate().slot(), head.clear().sequence(), Math::max);
        return new SeenHeads(versions.merge(head.state().versions()), copy);
    }

    /** The last sequence of a writer, 0 if none was seen. */
    long sequenceOf(int slot) {
        return sequences.getOrDefault(slot, 0L);
    }

    boolean isBehind(Head head) {
        return !head.state().versions().covers(versions)
                || head.clear().sequence()
                        < sequenceOf(head.clear().certificate().slot());
    }

    byte[] encode(VolumeKeys keys) {
        CborMap.Builder bySlot = CborMap.builder();
        sequences.forEach((slot, sequence) -> bySlot.put(slot, sequence.longValue()));
        byte[] plain = CborEncoder.encode(CborMap.builder()
                .put(1, versions.toCbor())
                .put(2, bySlot.build())
                .build());
        return Aead.seal(keys.seenKey(), NONCE, LABEL, plain);
    }

    static SeenHeads decode(byte[] bytes, VolumeKeys keys, Path file) {
        try {
            byte[] plain = Aead.open(keys.seenKey(), NONCE, LABEL, bytes);
            if (plain == null) {
                throw new MalformedException("it was changed or damaged");
            }
            CborMap f = CborDecoder.decodeMap(plain);
            f.requireFields(2);
            TreeMap<Integer, Long> sequences = new TreeMap<>();
            for (Map.Entry<Cbor, Cbor> e :
                    f.map(2, VersionVector.MAX_WRITERS).entries().entrySet()) {
                if (!(e.getKey() instanceof CborInt slot && e.getValue() instanceof CborInt sequence)) {
                    throw new MalformedException("an entry is no slot and sequence");
                }
                sequences.put((int) slot.value(), sequence.value());
            }
            return new SeenHeads(VersionVector.ofCbor(f.map(1, VersionVector.MAX_WRITERS)), sequences);
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read memory of heads",
                    file.toString(),
                    e.getMessage() + "; if you trust the volume directory as it is, delete this file",
                    e);
        }
    }
}
