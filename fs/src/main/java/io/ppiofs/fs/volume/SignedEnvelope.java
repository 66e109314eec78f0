package io.ppiofs.fs.volume;

import io.ppiofs.cbor.MalformedException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The signed envelope of libp2p (RFC 0002): a protobuf message of public key (1), payload type (2), payload (3) and
 * signature (5). The signature covers varint-length-prefixed domain, payload type and payload; the domain is not in
 * the message, so a signature made for one purpose is worthless for another. Reading is strict: the fields in this
 * order, each once, shortest varints, Ed25519 only; so an envelope has one encoding.
 */
final class SignedEnvelope {
    /** Largest envelope that is read. */
    static final int MAX_LENGTH = 256 * 1024;

    /** protobuf PublicKey { Type = 1: Ed25519 (1), Data = 2: 32 bytes } without the 32 bytes. */
    private static final byte[] KEY_PREFIX = {0x08, 0x01, 0x12, 0x20};

    private static final int TAG_PUBLIC_KEY = 0x0a;
    private static final int TAG_PAYLOAD_TYPE = 0x12;
    private static final int TAG_PAYLOAD = 0x1a;
    private static final int TAG_SIGNATURE = 0x2a;

    private final Ed25519PublicKey publicKey;
    private final String payloadType;
    private final byte[] payload;
    private final byte[] signature;

    private SignedEnvelope(Ed25519PublicKey publicKey, String payloadType, byte[] payload, byte[] signature) {
        this.publicKey = publicKey;
        this.payloadType = payloadType;
        this.payload = payload;
        this.signature = signature;
    }

    static byte[] seal(SigningKey key, String domain, String payloadType, byte[] payload) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream publicKey = new ByteArrayOutputStream();
        publicKey.writeBytes(KEY_PREFIX);
        publicKey.writeBytes(key.publicKey().bytes());
        field(out, TAG_PUBLIC_KEY, publicKey.toByteArray());
        field(out, TAG_PAYLOAD_TYPE, payloadType.getBytes(StandardCharsets.UTF_8));
        field(out, TAG_PAYLOAD, payload);
        field(out, TAG_SIGNATURE, key.sign(signedBytes(domain, payloadType, payload)));
        return out.toByteArray();
    }

    /** Takes the message apart; nothing is verified yet. */
    static SignedEnvelope parse(byte[] message) throws MalformedException {
        if (message.length > MAX_LENGTH) {
            throw new MalformedException("the envelope is longer than " + MAX_LENGTH + " bytes");
        }
        Cursor in = new Cursor(message);
        byte[] key = in.field(TAG_PUBLIC_KEY);
        if (key.length != KEY_PREFIX.length + Ed25519PublicKey.LENGTH
                || !Arrays.equals(key, 0, KEY_PREFIX.length, KEY_PREFIX, 0, KEY_PREFIX.length)) {
            throw new MalformedException("the envelope's key is no Ed25519 key");
        }
        Ed25519PublicKey publicKey = Ed25519PublicKey.of(Arrays.copyOfRange(key, KEY_PREFIX.length, key.length));
        // Latin-1 keeps every byte apart; our types are ASCII
        String type = new String(in.field(TAG_PAYLOAD_TYPE), StandardCharsets.ISO_8859_1);
        byte[] payload = in.field(TAG_PAYLOAD);
        byte[] signature = in.field(TAG_SIGNATURE);
        in.requireEnd();
        return new SignedEnvelope(publicKey, type, payload, signature);
    }

    boolean isSignedUnder(String domain) {
        return publicKey.verify(signedBytes(domain, payloadType, payload), signature);
    }

    Ed25519PublicKey publicKey() {
        return publicKey;
    }

    String payloadType() {
        return payloadType;
    }

    byte[] payload() {
        return payload;
    }

    private static byte[] signedBytes(String domain, String payloadType, byte[] payload) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        lengthPrefixed(out, domain.getBytes(StandardCharsets.UTF_8));
        lengthPrefixed(out, payloadType.getBytes(StandardCharsets.ISO_8859_1));
        lengthPrefixed(out, payload);
        return out.toByteArray();
    }

    private static void field(ByteArrayOutputStream out, int tag, byte[] value) {
        out.write(tag);
        lengthPrefixed(out, value);
    }

    private static void lengthPrefixed(ByteArrayOutputStream out, byte[] value) {
        int length = value.length;
        while (length >= 0x80) {
            out.write(length & 0x7f | 0x80);
            length >>>= 7;
        }
        out.write(length);
        out.writeBytes(value);
    }

    /** Reads length-delimited protobuf fields. */
    private static final class Cursor {
        private final byte[] in;
        private int at;

        Cursor(byte[] in) {
            this.in = in;
        }

        byte[] field(int tag) throws MalformedException {
            if (next() != tag) {
                throw new MalformedException("the envelope's fields are not the expected ones");
            }
            int length = varint();
            if (length > in.length - at) {
                throw new MalformedException("the envelope ends early");
            }
            at += length;
            return Arrays.copyOfRange(in, at - length, at);
        }

        void requireEnd() throws MalformedException {
            if (at != in.length) {
                throw new MalformedException((in.length - at) + " bytes follow the end of the envelope");
            }
        }

        private int varint() throws MalformedException {
            int value = 0;
            for (int shift = 0; shift < 28; shift += 7) {
                int b = next();
                value |= (b & 0x7f) << shift;
                if (b < 0x80) {
                    if (b == 0 && shift > 0) {
                        break;
                    }
                    return value;
                }
            }
            throw new MalformedException("the envelope has a length that is too long or not in its shortest form");
        }

        private int next() throws MalformedException {
            if (at == in.length) {
                throw new MalformedException("the envelope ends early");
            }
            return in[at++] & 0xff;
        }
    }
}
