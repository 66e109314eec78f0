package io.ppiofs.cbor;

/** An integer of major type 0 or 1 within the range of a Java long; what lies beyond is not used in records. */
public record CborInt(long value) implements Cbor {}
