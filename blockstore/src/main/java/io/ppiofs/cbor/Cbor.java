package io.ppiofs.cbor;

/** A CBOR value of the subset used in records: integers, byte and text strings, arrays, maps, booleans and null. Immutable. */
public sealed interface Cbor permits CborInt, CborBytes, CborText, CborArray, CborMap, CborSimple {
    /** Deepest nesting that is written or read. */
    int MAX_DEPTH = 16;
}
