package io.ppiofs.overlay.identity;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.wire.IdentityWire;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A libp2p signed envelope (RFC 0002): public key, payload type, payload, and a signature over domain, type and payload,
 * each with its length before it. The domain is agreed outside and separates uses: an envelope of one domain opens in no
 * other. Immutable; the byte arrays are not copied and must not be changed.
 */
public record Envelope(PublicKey signer, byte[] payloadType, byte[] payload, byte[] signature) {
    /** The largest encoded envelope that is accepted, 64 KiB. */
    public static final int MAX_ENCODED = 64 * 1024;

    public static Envelope seal(IdentityKey key, String domain, byte[] payloadType, byte[] payload) {
        byte[] signature = key.sign(signed(domain, payloadType, payload));
        return new Envelope(key.publicKey(), payloadType, payload, signature);
    }

    /**
     * Parses and checks an envelope of this domain and type.
     *
     * @throws PpiofsException CORRUPT if it is malformed, of another type, or if the signature does not hold
     */
    public static Envelope open(byte[] encoded, String domain, byte[] payloadType) {
        if (encoded.length > MAX_ENCODED) {
            throw refused(encoded.length + " bytes are more than " + MAX_ENCODED);
        }
        IdentityWire.Envelope wire;
        try {
            wire = IdentityWire.Envelope.parseFrom(encoded);
        } catch (InvalidProtocolBufferException e) {
            throw refused("not a protobuf Envelope");
        }
        Envelope envelope = new Envelope(
                PublicKey.of(wire.getPublicKey()),
                wire.getPayloadType().toByteArray(),
                wire.getPayload().toByteArray(),
                wire.getSignature().toByteArray());
        if (!Arrays.equals(payloadType, envelope.payloadType)) {
            throw refused("it is of another type");
        }
        if (!envelope.signer.verify(signed(domain, payloadType, envelope.payload), envelope.signature)) {
            throw refused("its signature does not hold");
        }
        return envelope;
    }

    /** The protobuf form. */
    public byte[] toBytes() {
        return IdentityWire.Envelope.newBuilder()
                .setPublicKey(signer.toWire())
                .setPayloadType(ByteString.copyFrom(payloadType))
                .setPayload(ByteString.copyFrom(payload))
                .setSignature(ByteString.copyFrom(signature))
                .build()
                .toByteArray();
    }

    private static byte[] signed(String domain, byte[] payloadType, byte[] payload) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(payload.length + 64);
        CodedOutputStream coded = CodedOutputStream.newInstance(out);
        try {
            coded.writeByteArrayNoTag(domain.getBytes(StandardCharsets.UTF_8));
            coded.writeByteArrayNoTag(payloadType);
            coded.writeByteArrayNoTag(payload);
            coded.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("a byte array does not fail", e);
        }
        return out.toByteArray();
    }

    private static PpiofsException refused(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "open envelope", "of a peer", detail);
    }
}
