package io.ppiofs.cbor;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Arrays;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A map (major type 5) whose keys are integers or texts, in the order of RFC 8949 section 4.2.1 (bytewise order of
 * the encoded keys). The typed getters read the numbered fields of a record and name the field that is wrong.
 */
public final class CborMap implements Cbor {
    private final SortedMap<Cbor, Cbor> entries;

    private CborMap(SortedMap<Cbor, Cbor> entries) {
        this.entries = Collections.unmodifiableSortedMap(entries);
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Collects entries in any order; a key may be put once. */
    public static final class Builder {
        private final TreeMap<Cbor, Cbor> entries =
                new TreeMap<>((a, b) -> Arrays.compareUnsigned(CborEncoder.encode(a), CborEncoder.encode(b)));

        private Builder() {}

        public Builder put(long key, Cbor value) {
            return put(new CborInt(key), value);
        }

        public Builder put(String key, Cbor value) {
            return put(new CborText(key), value);
        }

        public Builder put(long key, byte[] value) {
            return put(key, CborBytes.of(value));
        }

        public Builder put(long key, long value) {
            return put(key, new CborInt(value));
        }

        Builder put(Cbor key, Cbor value) {
            if (!(key instanceof CborInt || key instanceof CborText)) {
                throw new IllegalArgumentException("map key of type " + key.getClass());
            }
            if (entries.putIfAbsent(key, value) != null) {
                throw new IllegalArgumentException("key twice: " + key);
            }
            return this;
        }

        public CborMap build() {
            return new CborMap(new TreeMap<>(entries));
        }
    }

    /** Entries in encoded order. */
    public SortedMap<Cbor, Cbor> entries() {
        return entries;
    }

    public int size() {
        return entries.size();
    }

    /**
     * Field 1 of a record that is written down or sent, its version.
     *
     * @param record what it is, for whoever gets a newer one
     * @throws PpiofsException UNSUPPORTED_FORMAT if it is not within {@code first} and {@code last}
     */
    public long version(String record, long first, long last) throws MalformedException {
        long version = uint(1, Long.MAX_VALUE);
        if (version < first || version > last) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT, "read", record, "it is of version " + version + "; update ppiofs");
        }
        return version;
    }

    /** Refuses a record that has other fields than 1 … {@code last}. */
    public void requireFields(int last) throws MalformedException {
        for (int i = 1; i <= last; i++) {
            get(i);
        }
        if (entries.size() != last) {
            throw new MalformedException("it has " + entries.size() + " fields, not " + last);
        }
    }

    public Cbor get(int field) throws MalformedException {
        Cbor value = entries.get(new CborInt(field));
        if (value == null) {
            throw new MalformedException("field " + field + " is missing");
        }
        return value;
    }

    /** An integer from 0 to {@code max}. */
    public long uint(int field, long max) throws MalformedException {
        if (get(field) instanceof CborInt i && i.value() >= 0 && i.value() <= max) {
            return i.value();
        }
        throw new MalformedException("field " + field + " is no number from 0 to " + max);
    }

    /** Exactly {@code length} bytes. */
    public byte[] bytes(int field, int length) throws MalformedException {
        return bytes(field, length, length);
    }

    public byte[] bytes(int field, int min, int max) throws MalformedException {
        if (get(field) instanceof CborBytes b && b.length() >= min && b.length() <= max) {
            return b.value();
        }
        throw new MalformedException("field " + field + " is not " + min + " to " + max + " bytes");
    }

    public byte @Nullable [] bytesOrNull(int field, int length) throws MalformedException {
        return get(field) == CborSimple.NULL ? null : bytes(field, length);
    }

    /** A text of at most {@code maxChars} UTF-16 units. */
    public String text(int field, int maxChars) throws MalformedException {
        if (get(field) instanceof CborText t && t.value().length() <= maxChars) {
            return t.value();
        }
        throw new MalformedException("field " + field + " is no text of up to " + maxChars + " characters");
    }

    public boolean bool(int field) throws MalformedException {
        Cbor value = get(field);
        if (value == CborSimple.TRUE || value == CborSimple.FALSE) {
            return value == CborSimple.TRUE;
        }
        throw new MalformedException("field " + field + " is neither true nor false");
    }

    public CborArray array(int field, int maxItems) throws MalformedException {
        if (get(field) instanceof CborArray a && a.items().size() <= maxItems) {
            return a;
        }
        throw new MalformedException("field " + field + " is no list of up to " + maxItems + " items");
    }

    public CborMap map(int field, int maxEntries) throws MalformedException {
        if (get(field) instanceof CborMap m && m.size() <= maxEntries) {
            return m;
        }
        throw new MalformedException("field " + field + " is no map of up to " + maxEntries + " entries");
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CborMap m && entries.equals(m.entries);
    }

    @Override
    public int hashCode() {
        return entries.hashCode();
    }

    @Override
    public String toString() {
        return "CborMap" + entries;
    }
}
