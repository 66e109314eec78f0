package io.ppiofs.proofs.pod;

import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-256-CTR over leaves: the counter of a leaf begins with the leaf's number in its upper 64 bits, so no two leaves of a deal share key
 * stream, and opening one says nothing of another. A key is for one deal. Reusable, not thread-safe.
 */
final class LeafCipher {
    /** Bytes of a key. */
    static final int KEY = 32;

    private static final byte[] COMMITMENT = "ppiofs pod key v1\0".getBytes(StandardCharsets.US_ASCII);
    private static final int COUNTER = 16;

    private final Cipher cipher;
    private final SecretKeySpec key;

    LeafCipher(byte[] key) {
        try {
            this.cipher = Cipher.getInstance("AES/CTR/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has AES", e);
        }
        this.key = new SecretKeySpec(key, "AES");
    }

    /** What binds to the key and hides it. */
    static byte[] commitment(byte[] key) {
        return new Sha256().update(COMMITMENT).update(key).digest();
    }

    static boolean isCommitted(byte[] key, byte[] commitment) {
        return key.length == KEY && MessageDigest.isEqual(commitment(key), commitment);
    }

    /** Encrypts or decrypts a leaf; the two arrays may be one. */
    void apply(int leaf, byte[] in, int at, byte[] out, int to) {
        try {
            byte[] counter = ByteBuffer.allocate(COUNTER).putLong(leaf).array();
            cipher.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(counter));
            cipher.doFinal(in, at, PodLayout.LEAF, out, to);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-CTR takes any bytes", e);
        }
    }
}
