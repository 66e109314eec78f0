package io.ppiofs.cbor;

/** The simple values of records (major type 7). */
public enum CborSimple implements Cbor {
    FALSE,
    TRUE,
    NULL;

    public static CborSimple of(boolean value) {
        return value ? TRUE : FALSE;
    }
}
