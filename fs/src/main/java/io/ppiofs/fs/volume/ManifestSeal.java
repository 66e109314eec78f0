package io.ppiofs.fs.volume;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.macs.HMac;
import org.bouncycastle.crypto.params.KeyParameter;

/**
 * The placement manifest at rest: version u8 = 1, epoch u16, nonce 12, AES-256-GCM-SIV of the plaintext. Key and nonce
 * key derive from the verify key of the epoch, the nonce is an HMAC of the plaintext, so equal manifests of one epoch are
 * equal bytes and publishing one twice is publishing it once. Associated data: label, volume, version and epoch.
 */
final class ManifestSeal {
    /** Largest plaintext, bytes. */
    static final int MAX_PLAIN = 16 << 20;

    private static final byte VERSION = 1;
    private static final int HEADER = 1 + Short.BYTES;
    private static final int OVERHEAD = HEADER + Aead.NONCE_LENGTH + Aead.TAG_LENGTH;
    private static final byte[] LABEL = "ppiofs/1/manifest".getBytes(StandardCharsets.UTF_8);
    private static final String OPEN = "open manifest";

    private final VolumeId volume;
    private final int epoch;
    private final byte[] key;
    private final byte[] nonceKey;

    ManifestSeal(VolumeId volume, int epoch, Secret verifyKey) {
        this.volume = volume;
        this.epoch = epoch;
        byte[] both = KeyDerivation.derive(verifyKey.bytes(), volume.bytes(), "ppiofs/1/manifest", 2 * Secret.LENGTH);
        this.key = Arrays.copyOf(both, Secret.LENGTH);
        this.nonceKey = Arrays.copyOfRange(both, Secret.LENGTH, both.length);
    }

    byte[] seal(byte[] plain) {
        if (plain.length > MAX_PLAIN) {
            throw new PpiofsException(
                    ErrorKind.TOO_BIG,
                    "seal manifest",
                    "volume " + volume,
                    "it has " + plain.length + " bytes, at most " + MAX_PLAIN + " fit");
        }
        byte[] nonce = nonce(plain);
        byte[] sealed = Aead.seal(key, nonce, associated(), plain);
        return ByteBuffer.allocate(HEADER + nonce.length + sealed.length)
                .put(VERSION)
                .putShort((short) epoch)
                .put(nonce)
                .put(sealed)
                .array();
    }

    /** The epoch that a sealed manifest names; CORRUPT, UNSUPPORTED_FORMAT. */
    static int epochOf(byte[] sealed, VolumeId volume) {
        if (sealed.length < OVERHEAD || sealed.length > OVERHEAD + MAX_PLAIN) {
            throw damaged(volume);
        }
        if (sealed[0] != VERSION) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    OPEN,
                    "volume " + volume,
                    "its manifest is of version " + sealed[0] + ", this ppiofs knows version 1; update ppiofs");
        }
        return ByteBuffer.wrap(sealed, 1, Short.BYTES).getShort() & 0xffff;
    }

    byte[] open(byte[] sealed) {
        if (epochOf(sealed, volume) != epoch) {
            throw new PpiofsException(
                    ErrorKind.WRONG_KEY,
                    OPEN,
                    "volume " + volume,
                    "its manifest is of epoch " + epochOf(sealed, volume) + " and the key of epoch " + epoch
                            + "; ask the volume's owner for a new capability");
        }
        byte[] nonce = Arrays.copyOfRange(sealed, HEADER, HEADER + Aead.NONCE_LENGTH);
        byte[] body = Arrays.copyOfRange(sealed, HEADER + Aead.NONCE_LENGTH, sealed.length);
        byte[] plain = Aead.open(key, nonce, associated(), body);
        if (plain == null) {
            throw damaged(volume);
        }
        return plain;
    }

    private static PpiofsException damaged(VolumeId volume) {
        return new PpiofsException(
                ErrorKind.CORRUPT,
                OPEN,
                "volume " + volume,
                "its manifest does not open with the volume's keys; fetch it from another peer");
    }

    private byte[] associated() {
        return ByteBuffer.allocate(LABEL.length + VolumeId.LENGTH + HEADER)
                .put(LABEL)
                .put(volume.bytes())
                .put(VERSION)
                .putShort((short) epoch)
                .array();
    }

    private byte[] nonce(byte[] plain) {
        HMac mac = new HMac(SHA256Digest.newInstance());
        mac.init(new KeyParameter(nonceKey));
        mac.update(plain, 0, plain.length);
        byte[] tag = new byte[mac.getMacSize()];
        mac.doFinal(tag, 0);
        return Arrays.copyOf(tag, Aead.NONCE_LENGTH);
    }
}
