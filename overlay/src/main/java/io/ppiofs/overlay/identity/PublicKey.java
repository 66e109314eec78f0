package io.ppiofs.overlay.identity;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.wire.IdentityWire;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.signers.ECDSASigner;
import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.jspecify.annotations.Nullable;

/**
 * A peer's public key of any of the four types of the libp2p specification "peer-ids". The data is the raw 32 bytes for
 * Ed25519, the 33-byte compressed point for secp256k1, and DER SubjectPublicKeyInfo for ECDSA and RSA. Immutable.
 */
public final class PublicKey {
    /** The largest encoded key that is accepted: RSA of 8,192 bits has 1,060 bytes. */
    public static final int MAX_ENCODED = 2_048;

    /** Key types with their protobuf numbers. */
    public enum Type {
        RSA,
        ED25519,
        SECP256K1,
        ECDSA
    }

    private final Type type;
    private final byte[] data;

    private PublicKey(Type type, byte[] data) {
        this.type = type;
        this.data = data;
    }

    /** @param raw 32 bytes, copied */
    public static PublicKey ed25519(byte[] raw) {
        if (raw.length != Ed25519.PUBLIC_KEY_SIZE) {
            throw malformed("an Ed25519 key has 32 bytes, not " + raw.length);
        }
        return new PublicKey(Type.ED25519, raw.clone());
    }

    /** Parses the protobuf form. @throws PpiofsException CORRUPT if it is none */
    public static PublicKey parse(byte[] encoded) {
        if (encoded.length > MAX_ENCODED) {
            throw malformed(encoded.length + " bytes are more than " + MAX_ENCODED);
        }
        try {
            IdentityWire.PublicKey wire = IdentityWire.PublicKey.parseFrom(encoded);
            return of(wire);
        } catch (InvalidProtocolBufferException e) {
            throw malformed("not a protobuf PublicKey");
        }
    }

    static PublicKey of(IdentityWire.PublicKey wire) {
        byte[] data = wire.getData().toByteArray();
        return switch (wire.getType()) {
            case ED25519 -> ed25519(data);
            case RSA -> new PublicKey(Type.RSA, data);
            case ECDSA -> new PublicKey(Type.ECDSA, data);
            case SECP256K1 -> {
                if (data.length != 33) {
                    throw malformed("a secp256k1 key has 33 bytes, not " + data.length);
                }
                yield new PublicKey(Type.SECP256K1, data);
            }
        };
    }

    public Type type() {
        return type;
    }

    /** A copy of the key in the encoding of its type. */
    public byte[] data() {
        return data.clone();
    }

    /** The protobuf form, deterministic (fields in order, no unknown ones). */
    public byte[] toBytes() {
        return toWire().toByteArray();
    }

    IdentityWire.PublicKey toWire() {
        return IdentityWire.PublicKey.newBuilder()
                .setType(IdentityWire.KeyType.forNumber(type.ordinal()))
                .setData(ByteString.copyFrom(data))
                .build();
    }

    /** Whether {@code signature} is this key's over {@code message}. Malformed keys and signatures are just not valid. */
    public boolean verify(byte[] message, byte[] signature) {
        return switch (type) {
            case ED25519 ->
                signature.length == Ed25519.SIGNATURE_SIZE
                        && Ed25519.verify(signature, 0, data, 0, message, 0, message.length);
            case RSA -> verifyJca("RSA", "SHA256withRSA", message, signature);
            case ECDSA -> verifyJca("EC", "SHA256withECDSA", message, signature);
            case SECP256K1 -> verifySecp256k1(message, signature);
        };
    }

    private boolean verifyJca(String keyAlgorithm, String algorithm, byte[] message, byte[] signature) {
        try {
            Signature verifier = Signature.getInstance(algorithm);
            verifier.initVerify(KeyFactory.getInstance(keyAlgorithm).generatePublic(new X509EncodedKeySpec(data)));
            verifier.update(message);
            return verifier.verify(signature);
        } catch (GeneralSecurityException e) {
            return false; // a key or signature that does not parse proves nothing
        }
    }

    private boolean verifySecp256k1(byte[] message, byte[] signature) {
        try {
            ECDomainParameters curve = new ECDomainParameters(CustomNamedCurves.getByName("secp256k1"));
            ASN1Sequence pair = ASN1Sequence.getInstance(signature);
            ECDSASigner verifier = new ECDSASigner();
            verifier.init(false, new ECPublicKeyParameters(curve.getCurve().decodePoint(data), curve));
            SHA256Digest sha256 = new SHA256Digest();
            sha256.update(message, 0, message.length);
            byte[] digest = new byte[sha256.getDigestSize()];
            sha256.doFinal(digest, 0);
            return verifier.verifySignature(
                    digest,
                    ASN1Integer.getInstance(pair.getObjectAt(0)).getPositiveValue(),
                    ASN1Integer.getInstance(pair.getObjectAt(1)).getPositiveValue());
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            return false; // a key or signature that does not parse proves nothing
        }
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof PublicKey other && type == other.type && Arrays.equals(data, other.data);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(data);
    }

    @Override
    public String toString() {
        return type + " key of " + PeerId.of(this);
    }

    private static PpiofsException malformed(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "read public key", "of a peer", detail);
    }
}
