package io.ppiofs.overlay.network;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * How both sides of a protocol begin: which versions they speak, which features they have, and which of these the other
 * side must have, too. A feature that is unknown and not critical is passed over; an unknown critical one is a refusal.
 *
 * @param oldest oldest version spoken, from 1
 * @param newest newest version spoken
 * @param features names of up to 40 of a-z, 0-9 and hyphen; at most 64
 * @param critical those of {@code features} without which this side does not go on
 */
public record Opening(int oldest, int newest, SortedSet<String> features, SortedSet<String> critical) {
    /** The largest encoded opening that is accepted. */
    public static final int MAX_ENCODED = 8 * 1024;

    private static final int MAX_FEATURES = 64;
    private static final int MAX_NAME = 40;
    private static final int MAX_VERSION = 0xffff;

    public Opening {
        features = unmodifiableCopy(features);
        critical = unmodifiableCopy(critical);
        if (oldest < 1 || oldest > newest || newest > MAX_VERSION) {
            throw new IllegalArgumentException("versions " + oldest + " to " + newest);
        }
        if (features.size() > MAX_FEATURES || !features.stream().allMatch(Opening::isName)) {
            throw new IllegalArgumentException("features " + features);
        }
        if (!features.containsAll(critical)) {
            throw new IllegalArgumentException("critical features that are no features: " + critical);
        }
    }

    /** One version, no features. */
    public static Opening of(int version) {
        return new Opening(version, version, new TreeSet<>(), new TreeSet<>());
    }

    /** What both sides have: the newest common version and the common features. */
    public record Agreement(int version, SortedSet<String> features) {
        public boolean has(String feature) {
            return features.contains(feature);
        }
    }

    /**
     * What {@code this} (ours) and {@code theirs} agree on; both sides come to the same result.
     *
     * @param subject the protocol, for the message
     * @throws PpiofsException NOT_SUPPORTED if no version is common or one side lacks a critical feature of the other
     */
    public Agreement agree(Opening theirs, String subject) {
        int version = Math.min(newest, theirs.newest);
        if (version < Math.max(oldest, theirs.oldest)) {
            throw refusal(
                    subject,
                    "the peer speaks versions " + theirs.oldest + " to " + theirs.newest + ", we " + oldest + " to "
                            + newest);
        }
        requireAll(theirs.critical, features, subject, "we lack what the peer insists on: ");
        requireAll(critical, theirs.features, subject, "the peer lacks what we insist on: ");
        SortedSet<String> common = new TreeSet<>(features);
        common.retainAll(theirs.features);
        return new Agreement(version, common);
    }

    private static void requireAll(
            SortedSet<String> critical, SortedSet<String> present, String subject, String message) {
        for (String feature : critical) {
            if (!present.contains(feature)) {
                throw refusal(subject, message + feature);
            }
        }
    }

    private static PpiofsException refusal(String subject, String detail) {
        return new PpiofsException(ErrorKind.NOT_SUPPORTED, "open protocol", subject, detail);
    }

    /** For embedding in a protocol's first message. */
    public CborMap toCbor() {
        return CborMap.builder()
                .put(1, oldest)
                .put(2, newest)
                .put(3, names(features))
                .put(4, names(critical))
                .build();
    }

    public byte[] encode() {
        return CborEncoder.encode(toCbor());
    }

    /** @throws PpiofsException CORRUPT if it is malformed */
    public static Opening decode(byte[] encoded) {
        try {
            if (encoded.length > MAX_ENCODED) {
                throw new MalformedException(encoded.length + " bytes are more than " + MAX_ENCODED);
            }
            return of(CborDecoder.decodeMap(encoded));
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read opening", "of a peer", String.valueOf(e.getMessage()));
        }
    }

    /** Reads fields 1 to 4; later versions may add others, which mean nothing here. */
    public static Opening of(CborMap fields) throws MalformedException {
        try {
            return new Opening(
                    (int) fields.uint(1, MAX_VERSION),
                    (int) fields.uint(2, MAX_VERSION),
                    names(fields.array(3, MAX_FEATURES)),
                    names(fields.array(4, MAX_FEATURES)));
        } catch (IllegalArgumentException e) {
            throw new MalformedException("the opening has impossible " + e.getMessage());
        }
    }

    private static CborArray names(SortedSet<String> names) {
        List<Cbor> items = new ArrayList<>();
        names.forEach(name -> items.add(new CborText(name)));
        return new CborArray(items);
    }

    private static SortedSet<String> names(CborArray array) throws MalformedException {
        SortedSet<String> names = new TreeSet<>();
        for (Cbor item : array.items()) {
            if (!(item instanceof CborText text) || !isName(text.value()) || !names.add(text.value())) {
                throw new MalformedException("the opening has a feature that is no name or comes twice");
            }
        }
        return names;
    }

    private static boolean isName(String name) {
        return name.length() <= MAX_NAME && name.matches("[a-z0-9][a-z0-9-]*");
    }

    private static SortedSet<String> unmodifiableCopy(SortedSet<String> names) {
        return Collections.unmodifiableSortedSet(new TreeSet<>(names));
    }
}
