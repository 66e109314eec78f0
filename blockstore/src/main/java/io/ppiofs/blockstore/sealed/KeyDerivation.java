package io.ppiofs.blockstore.sealed;

import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.ContentKeys;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Block key = HKDF-SHA256 (RFC 5869): extract with a fixed salt from the content key of the epoch, expand with info =
 * type ‖ format version ‖ SHA-256 of the exact bytes that the AEAD is given. The extract step is done once per content
 * key. Not thread-safe, one per thread.
 */
final class KeyDerivation {
    private static final byte[] SALT = "ppiofs/block-key/v1".getBytes(StandardCharsets.US_ASCII);

    private final ContentKeys keys;
    private final Mac expand;
    private final byte[] info = new byte[2 + 32 + 1];
    private byte[] contentKey = {};

    KeyDerivation(ContentKeys keys) {
        this.keys = keys;
        try {
            this.expand = Mac.getInstance("HmacSHA256");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }

    BlockKey derive(int epoch, BlockType type, byte[] digest) {
        byte[] current = keys.contentKey(epoch);
        try {
            if (!Arrays.equals(current, contentKey)) {
                expand.init(new SecretKeySpec(SALT, "HmacSHA256"));
                byte[] pseudoRandomKey = expand.doFinal(current);
                expand.init(new SecretKeySpec(pseudoRandomKey, "HmacSHA256"));
                contentKey = current.clone();
            }
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HMAC refuses a 32-byte key", e);
        }
        info[0] = (byte) type.code();
        info[1] = StoredForm.VERSION;
        System.arraycopy(digest, 0, info, 2, 32);
        info[34] = 1; // HKDF's counter of the first and only output block
        return BlockKey.of(expand.doFinal(info));
    }
}
