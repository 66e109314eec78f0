package io.ppiofs.fs.volume;

import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.modes.GCMSIVBlockCipher;
import org.bouncycastle.crypto.params.AEADParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.jspecify.annotations.Nullable;

/**
 * AES-256-GCM-SIV (RFC 8452) for small records. Chosen over GCM because a repeated nonce (a head signed again after a
 * crash) shows at most that two plaintexts are equal; the price, two passes, does not matter at this size.
 */
final class Aead {
    static final int NONCE_LENGTH = 12;
    static final int TAG_LENGTH = 16;

    private Aead() {}

    static byte[] seal(byte[] key, byte[] nonce, byte[] associated, byte[] plaintext) {
        try {
            return run(true, key, nonce, associated, plaintext);
        } catch (InvalidCipherTextException e) {
            throw new IllegalStateException("sealing checks nothing", e);
        }
    }

    /** The plaintext, or null if key, nonce, associated data or a byte of {@code sealed} is not what was sealed. */
    static byte @Nullable [] open(byte[] key, byte[] nonce, byte[] associated, byte[] sealed) {
        if (sealed.length < TAG_LENGTH) {
            return null;
        }
        try {
            return run(false, key, nonce, associated, sealed);
        } catch (InvalidCipherTextException e) {
            return null; // the one answer of an AEAD; the callers say what it means
        }
    }

    private static byte[] run(boolean seal, byte[] key, byte[] nonce, byte[] associated, byte[] input)
            throws InvalidCipherTextException {
        GCMSIVBlockCipher cipher = new GCMSIVBlockCipher(AESEngine.newInstance());
        cipher.init(seal, new AEADParameters(new KeyParameter(key), TAG_LENGTH * 8, nonce, associated));
        byte[] output = new byte[seal ? input.length + TAG_LENGTH : input.length - TAG_LENGTH];
        cipher.processBytes(input, 0, input.length, output, 0);
        cipher.doFinal(output, 0);
        return output;
    }
}
