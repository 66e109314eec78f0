package io.ppiofs.overlay.identity;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.wire.IdentityWire;
import java.security.SecureRandom;
import java.util.Arrays;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/** A node's own Ed25519 key pair (RFC 8032): its identity in the network. Immutable; the secret never leaves by toString. */
public final class IdentityKey {
    private static final int SEED = Ed25519.SECRET_KEY_SIZE;

    private final byte[] seed;
    private final byte[] publicBytes;
    private final PublicKey publicKey;
    private final PeerId peerId;

    private IdentityKey(byte[] seed) {
        this.seed = seed;
        this.publicBytes = new byte[Ed25519.PUBLIC_KEY_SIZE];
        Ed25519.generatePublicKey(seed, 0, publicBytes, 0);
        this.publicKey = PublicKey.ed25519(publicBytes);
        this.peerId = PeerId.of(publicKey);
    }

    public static IdentityKey generate(SecureRandom random) {
        byte[] seed = new byte[SEED];
        random.nextBytes(seed);
        return new IdentityKey(seed);
    }

    /** @param seed the 32-byte secret of RFC 8032, copied */
    public static IdentityKey ofSeed(byte[] seed) {
        if (seed.length != SEED) {
            throw new IllegalArgumentException("seed of " + seed.length + " bytes, not " + SEED);
        }
        return new IdentityKey(seed.clone());
    }

    /** Parses libp2p's protobuf PrivateKey of type Ed25519 (secret ‖ public, or the older form with the public key twice). */
    public static IdentityKey parse(byte[] encoded) {
        try {
            IdentityWire.PrivateKey wire = IdentityWire.PrivateKey.parseFrom(encoded);
            byte[] data = wire.getData().toByteArray();
            if (wire.getType() != IdentityWire.KeyType.ED25519 || (data.length != 64 && data.length != 96)) {
                throw malformed();
            }
            IdentityKey key = new IdentityKey(Arrays.copyOf(data, SEED));
            if (!Arrays.equals(key.publicBytes, Arrays.copyOfRange(data, SEED, 64))) {
                throw malformed();
            }
            return key;
        } catch (InvalidProtocolBufferException e) {
            throw malformed();
        }
    }

    /** libp2p's protobuf PrivateKey: a secret, for a file that only its owner can read. */
    public byte[] toBytes() {
        return IdentityWire.PrivateKey.newBuilder()
                .setType(IdentityWire.KeyType.ED25519)
                .setData(ByteString.copyFrom(seed).concat(ByteString.copyFrom(publicBytes)))
                .build()
                .toByteArray();
    }

    public PublicKey publicKey() {
        return publicKey;
    }

    public PeerId peerId() {
        return peerId;
    }

    /** The 64-byte signature over {@code message}. */
    public byte[] sign(byte[] message) {
        byte[] signature = new byte[Ed25519.SIGNATURE_SIZE];
        Ed25519.sign(seed, 0, publicBytes, 0, message, 0, message.length, signature, 0);
        return signature;
    }

    @Override
    public String toString() {
        return "key of " + peerId;
    }

    private static PpiofsException malformed() {
        return new PpiofsException(
                ErrorKind.CORRUPT, "read identity key", "private key", "not a libp2p private key of type Ed25519");
    }
}
