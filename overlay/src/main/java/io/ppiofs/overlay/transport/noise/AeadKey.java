package io.ppiofs.overlay.transport.noise;

import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** A ChaCha20-Poly1305 key with its counting nonce: Noise's CipherState. Used in one direction; not safe for threads. */
final class AeadKey {
    /** Bytes that encryption adds. */
    static final int TAG = 16;

    private final SecretKeySpec key;
    private final Cipher cipher;
    private final byte[] iv = new byte[12];
    private long nonce;

    AeadKey(byte[] key) {
        this.key = new SecretKeySpec(key, "ChaCha20");
        try {
            this.cipher = Cipher.getInstance("ChaCha20-Poly1305");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform since 11 has ChaCha20-Poly1305", e);
        }
    }

    /** Encrypts into {@code out}, which must have room for {@code length + TAG}. @return bytes written */
    int encrypt(byte[] ad, byte[] in, int inAt, int length, byte[] out, int outAt) throws GeneralSecurityException {
        init(Cipher.ENCRYPT_MODE);
        cipher.updateAAD(ad);
        return cipher.doFinal(in, inAt, length, out, outAt);
    }

    /** Decrypts; fails with AEADBadTagException if the bytes are not the sender's. @return bytes written */
    int decrypt(byte[] ad, byte[] in, int inAt, int length, byte[] out, int outAt) throws GeneralSecurityException {
        init(Cipher.DECRYPT_MODE);
        cipher.updateAAD(ad);
        return cipher.doFinal(in, inAt, length, out, outAt);
    }

    byte[] encrypt(byte[] ad, byte[] plain) throws GeneralSecurityException {
        byte[] out = new byte[plain.length + TAG];
        encrypt(ad, plain, 0, plain.length, out, 0);
        return out;
    }

    byte[] decrypt(byte[] ad, byte[] sealed) throws GeneralSecurityException {
        byte[] out = new byte[Math.max(sealed.length, TAG)];
        int n = decrypt(ad, sealed, 0, sealed.length, out, 0);
        return Arrays.copyOf(out, n);
    }

    /** The nonce is four zero bytes and the counter, least byte first; 2^64−1 is never used. */
    private void init(int mode) throws GeneralSecurityException {
        if (nonce == -1L) {
            throw new GeneralSecurityException("the key is used up");
        }
        long value = nonce++;
        for (int i = 4; i < 12; i++) {
            iv[i] = (byte) value;
            value >>>= 8;
        }
        cipher.init(mode, key, new IvParameterSpec(iv));
    }
}
