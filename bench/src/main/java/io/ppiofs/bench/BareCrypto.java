package io.ppiofs.bench;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * What a block costs at least: SHA-256 of the plaintext (for its key), AES-256-GCM, SHA-256 of the ciphertext (for its
 * name), each in one call over the whole block, by the providers that {@link SealedBlocks} uses. Not thread-safe.
 */
public final class BareCrypto {
    private static final int TAG = 16;

    private final MessageDigest sha256;
    private final Cipher cipher;
    private final SecretKeySpec key = new SecretKeySpec(new byte[32], "AES");
    private final byte[] nonce = new byte[12];
    private final byte[] sealed;
    private long sequence;

    /** @param largest bytes of the largest block that will be given */
    public BareCrypto(int largest) throws GeneralSecurityException {
        sha256 = MessageDigest.getInstance("SHA-256");
        String transformation = "AES/GCM/NoPadding";
        cipher = providerOfBlocks().equals("JDK")
                ? Cipher.getInstance(transformation)
                : Cipher.getInstance(transformation, AmazonCorrettoCryptoProvider.INSTANCE);
        sealed = new byte[largest + TAG];
    }

    /** Who does AES-GCM for the product on this machine. */
    public static String providerOfBlocks() {
        return new SealedBlocks(new MemoryBlockStore(), new FixedKeys(), SealedOptions.defaults()).cryptoProvider();
    }

    /** Encrypts into the own buffer. @return bytes written, tag included */
    public int encrypt(byte[] plaintext) throws GeneralSecurityException {
        ByteBuffer.wrap(nonce).putLong(4, ++sequence); // the providers refuse a nonce twice
        cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG * 8, nonce));
        return cipher.doFinal(plaintext, 0, plaintext.length, sealed, 0);
    }

    /** SHA-256, AES-GCM, SHA-256. @return the name */
    public byte[] seal(byte[] plaintext) throws GeneralSecurityException {
        sha256.update(plaintext);
        sha256.digest();
        sha256.update(sealed, 0, encrypt(plaintext));
        return sha256.digest();
    }
}
