package io.ppiofs.overlay.dht;

import java.util.List;

/**
 * Decides what may be stored under keys of one namespace, {@code /namespace/…}. Both methods depend on their arguments
 * only (and at most on the clock), so that all nodes agree; they run on the host's scheduler and must be quick.
 */
public interface Validator {
    /** Whether {@code value} may stand under {@code key}; anything may come in. */
    boolean isValid(byte[] key, byte[] value);

    /** The index of the best of {@code values}, which are valid, all different, at least one. Must not depend on their order. */
    int select(byte[] key, List<byte[]> values);
}
