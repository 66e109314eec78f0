package io.ppiofs.cbor;

/** Bytes are not a record of the expected form. Checked, so that each reader says which file or peer they came from. */
public final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    /** @param message what is wrong, half a sentence: "field 4 is missing" */
    public MalformedException(String message) {
        super(message);
    }
}
