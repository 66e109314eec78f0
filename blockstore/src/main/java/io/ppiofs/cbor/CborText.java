package io.ppiofs.cbor;

/** A text string (major type 3). */
public record CborText(String value) implements Cbor {}
