package io.ppiofs.blockstore.sealed;

import io.ppiofs.blockstore.BlockKey;
import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.InvalidKeyException;
import javax.crypto.AEADBadTagException;
import javax.crypto.BadPaddingException;
import javax.crypto.Cipher;
import javax.crypto.IllegalBlockSizeException;
import javax.crypto.ShortBufferException;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * AES-256-GCM over the frames of one block. The nonce is frame index plus last-frame flag (STREAM, Hoang et al. 2015),
 * so frames cannot be cut, swapped or repeated; the block header is additional data of every frame. Not thread-safe;
 * one per thread, re-keyed per block.
 */
final class FrameCipher {
    /** Stands in the index field of the frame table's nonce. */
    static final int TABLE = -1;

    private static final int NONCE_LENGTH = 12;

    private final Cipher sealing;
    private final Cipher opening;
    private final byte[] nonce = new byte[NONCE_LENGTH];
    private byte[] header = {};
    private @Nullable BlockKey current;
    private @Nullable SecretKeySpec key;
    private boolean sameAgain;

    FrameCipher(CryptoProvider provider) {
        try {
            sealing = provider.cipher();
            opening = provider.cipher();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("no AES-GCM in " + provider.name(), e);
        }
    }

    /** @param header read by every later call, not copied */
    void begin(BlockKey blockKey, byte[] header) {
        this.header = header;
        if (blockKey.equals(current)) {
            sameAgain = true;
            return;
        }
        this.current = blockKey;
        this.key = new SecretKeySpec(blockKey.bytes(), "AES");
        this.sameAgain = false;
    }

    /**
     * Equal content sealed twice in a row is the same message under the same key and nonce: harmless, but the providers
     * refuse a pair that they saw last. A start with a nonce that no frame has makes them see another one.
     */
    private void startOver() throws InvalidKeyException, InvalidAlgorithmParameterException {
        nonce[0] = 1;
        sealing.init(Cipher.ENCRYPT_MODE, key, parameters(0, false));
        nonce[0] = 0;
        sameAgain = false;
    }

    /** Writes length + 16 bytes to {@code out}. */
    void seal(int index, boolean last, byte[] in, int inOffset, int length, byte[] out, int outOffset) {
        try {
            if (sameAgain) {
                startOver();
            }
            sealing.init(Cipher.ENCRYPT_MODE, key, parameters(index, last));
            sealing.updateAAD(header);
            int n = sealing.doFinal(in, inOffset, length, out, outOffset);
            if (n != length + StoredForm.TAG) {
                throw new IllegalStateException("AES-GCM made " + n + " bytes of " + length);
            }
        } catch (InvalidKeyException
                | InvalidAlgorithmParameterException
                | ShortBufferException
                | IllegalBlockSizeException
                | BadPaddingException e) {
            throw new IllegalStateException("sealing a frame failed", e);
        }
    }

    /**
     * Opens {@code length} + 16 bytes into {@code length} plaintext bytes.
     *
     * @return false if a byte is not what was sealed; {@code out} then holds nothing of use
     */
    boolean open(int index, boolean last, byte[] in, int inOffset, int length, byte[] out, int outOffset) {
        try {
            opening.init(Cipher.DECRYPT_MODE, key, parameters(index, last));
            opening.updateAAD(header);
            return opening.doFinal(in, inOffset, length + StoredForm.TAG, out, outOffset) == length;
        } catch (AEADBadTagException e) {
            return false;
        } catch (InvalidKeyException
                | InvalidAlgorithmParameterException
                | ShortBufferException
                | IllegalBlockSizeException
                | BadPaddingException e) {
            throw new IllegalStateException("opening a frame failed", e);
        }
    }

    private GCMParameterSpec parameters(int index, boolean last) {
        nonce[7] = (byte) (last ? 1 : 0);
        nonce[8] = (byte) (index >>> 24);
        nonce[9] = (byte) (index >>> 16);
        nonce[10] = (byte) (index >>> 8);
        nonce[11] = (byte) index;
        return new GCMParameterSpec(StoredForm.TAG * 8, nonce); // copies the nonce
    }
}
