package io.ppiofs.fs.volume;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.params.HKDFParameters;

/** HKDF-SHA256 (RFC 5869) with a label per purpose, so that no two purposes share a key; and the hash under it. */
final class KeyDerivation {
    private KeyDerivation() {}

    /**
     * @param salt separates users of one secret: the volume id, or a file's random salt
     * @param label what the key is for, unique in docs/formats
     */
    static byte[] derive(byte[] secret, byte[] salt, String label, int length) {
        HKDFBytesGenerator hkdf = new HKDFBytesGenerator(SHA256Digest.newInstance());
        hkdf.init(new HKDFParameters(secret, salt, label.getBytes(StandardCharsets.UTF_8)));
        byte[] key = new byte[length];
        hkdf.generateBytes(key, 0, length);
        return key;
    }

    static byte[] sha256(byte[] first, byte[] second) {
        MessageDigest digest = newSha256();
        digest.update(first);
        return digest.digest(second);
    }

    static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
