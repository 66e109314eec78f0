package io.ppiofs.proofs.pod;

/** A party that signs. */
public interface PodSigner {
    /** Its peer id, up to {@value PodRecord#MAX_ID} bytes. */
    byte[] id();

    byte[] sign(byte[] message);
}
