package io.ppiofs.overlay.transport.noise;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.math.ec.rfc7748.X25519;
import org.jspecify.annotations.Nullable;

/**
 * The pattern XX: {@code -> e}, {@code <- e, ee, s, es}, {@code -> s, se}, with an empty prologue or a given one. Messages
 * must be written and read in this order. Not safe for threads.
 */
final class XxHandshake {
    private static final String NAME = "Noise_XX_25519_ChaChaPoly_SHA256";
    private static final int KEY = 32;
    private static final byte[] EMPTY = new byte[0];

    /** A Diffie-Hellman key pair. */
    record KeyPair(byte[] secret, byte[] open) {
        static KeyPair generate(SecureRandom random) {
            byte[] secret = new byte[KEY];
            X25519.generatePrivateKey(random, secret);
            return ofSecret(secret);
        }

        static KeyPair ofSecret(byte[] secret) {
            byte[] open = new byte[KEY];
            X25519.generatePublicKey(secret, 0, open, 0);
            return new KeyPair(secret, open);
        }
    }

    /** The two keys of the transport phase. */
    record TransportKeys(AeadKey send, AeadKey receive) {}

    private final boolean initiator;
    private final KeyPair own;
    private final KeyPair ephemeral;
    private byte[] remoteEphemeral = EMPTY;
    private byte[] remoteStatic = EMPTY;
    private byte[] hash;
    private byte[] chain;
    private @Nullable AeadKey key;
    private int step;

    XxHandshake(boolean initiator, KeyPair own, KeyPair ephemeral, byte[] prologue) throws GeneralSecurityException {
        this.initiator = initiator;
        this.own = own;
        this.ephemeral = ephemeral;
        this.hash = NAME.getBytes(US_ASCII); // 32 bytes: used as they are
        this.chain = hash;
        mixHash(prologue);
    }

    /** The other side's static key; known after its message that has "s". */
    byte[] remoteStatic() {
        return remoteStatic;
    }

    /** Whether all three messages have passed. */
    boolean isComplete() {
        return step == 3;
    }

    /** Whether this side writes the next message. */
    boolean writesNext() {
        return step < 3 && (step % 2 == 0) == initiator;
    }

    /** Writes the next message with {@code payload}, which is in the clear only in the first. */
    byte[] write(byte[] payload) throws GeneralSecurityException {
        requireTurn(true);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        switch (step) {
            case 0 -> writeEphemeral(out);
            case 1 -> {
                writeEphemeral(out);
                mixKey(agree(ephemeral, remoteEphemeral));
                out.writeBytes(encryptAndHash(own.open));
                mixKey(agree(own, remoteEphemeral));
            }
            default -> {
                out.writeBytes(encryptAndHash(own.open));
                mixKey(agree(own, remoteEphemeral));
            }
        }
        out.writeBytes(encryptAndHash(payload));
        step++;
        return out.toByteArray();
    }

    /** Reads the next message. @return its payload @throws GeneralSecurityException if it is not the other side's */
    byte[] read(byte[] message) throws GeneralSecurityException {
        requireTurn(false);
        int at = 0;
        if (step < 2) {
            remoteEphemeral = slice(message, at, KEY);
            mixHash(remoteEphemeral);
            at += KEY;
        }
        if (step == 1) {
            mixKey(agree(ephemeral, remoteEphemeral));
            remoteStatic = decryptAndHash(slice(message, at, KEY + AeadKey.TAG));
            at += KEY + AeadKey.TAG;
            mixKey(agree(ephemeral, remoteStatic));
        } else if (step == 2) {
            remoteStatic = decryptAndHash(slice(message, at, KEY + AeadKey.TAG));
            at += KEY + AeadKey.TAG;
            mixKey(agree(ephemeral, remoteStatic));
        }
        byte[] payload = decryptAndHash(slice(message, at, message.length - at));
        step++;
        return payload;
    }

    /** The transport keys. */
    TransportKeys split() throws GeneralSecurityException {
        if (!isComplete()) {
            throw new IllegalStateException("the handshake is not complete");
        }
        byte[][] keys = derive(chain, EMPTY);
        AeadKey first = new AeadKey(keys[0]);
        AeadKey second = new AeadKey(keys[1]);
        return initiator ? new TransportKeys(first, second) : new TransportKeys(second, first);
    }

    private void requireTurn(boolean writing) {
        if (isComplete() || writesNext() != writing) {
            throw new IllegalStateException("it is not this side's turn");
        }
    }

    private void writeEphemeral(ByteArrayOutputStream out) throws GeneralSecurityException {
        out.writeBytes(ephemeral.open);
        mixHash(ephemeral.open);
    }

    private static byte[] slice(byte[] message, int from, int length) throws GeneralSecurityException {
        if (length < 0 || message.length - from < length) {
            throw new GeneralSecurityException("handshake message of " + message.length + " bytes is too short");
        }
        return Arrays.copyOfRange(message, from, from + length);
    }

    private static byte[] agree(KeyPair mine, byte[] theirs) throws GeneralSecurityException {
        byte[] shared = new byte[KEY];
        if (!X25519.calculateAgreement(mine.secret, 0, theirs, 0, shared, 0)) {
            throw new GeneralSecurityException("the other side's key has a small order");
        }
        return shared;
    }

    private byte[] encryptAndHash(byte[] plain) throws GeneralSecurityException {
        byte[] out = key == null ? plain : key.encrypt(hash, plain);
        mixHash(out);
        return out;
    }

    private byte[] decryptAndHash(byte[] sealed) throws GeneralSecurityException {
        byte[] out = key == null ? sealed : key.decrypt(hash, sealed);
        mixHash(sealed);
        return out;
    }

    private void mixHash(byte[] data) throws GeneralSecurityException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(hash);
        hash = digest.digest(data);
    }

    private void mixKey(byte[] material) throws GeneralSecurityException {
        byte[][] out = derive(chain, material);
        chain = out[0];
        key = new AeadKey(out[1]);
    }

    /** HKDF of the Noise specification with two outputs. */
    private static byte[][] derive(byte[] chain, byte[] material) throws GeneralSecurityException {
        byte[] temporary = hmac(chain, material);
        byte[] first = hmac(temporary, new byte[] {1});
        byte[] more = Arrays.copyOf(first, first.length + 1);
        more[first.length] = 2;
        return new byte[][] {first, hmac(temporary, more)};
    }

    private static byte[] hmac(byte[] key, byte[] data) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(data);
    }
}
