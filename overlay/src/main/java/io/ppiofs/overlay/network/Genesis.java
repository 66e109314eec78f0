package io.ppiofs.overlay.network;

import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PublicKey;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The founding record of a network: a name for people, parameters, and for a private network the key that certifies its
 * members. The SHA-256 of its bytes is the network's id. Immutable.
 */
public final class Genesis {
    private static final RecordType TYPE = new RecordType("genesis", 1);
    private static final int NONCE_LENGTH = 16;

    /**
     * The network that a node joins when it is told nothing else. Its founder's key is the hash of a public sentence:
     * nobody has a say over it that others have not, and everybody can make this record again.
     */
    public static final Genesis PUBLIC = found(
            "ppiofs",
            NetworkParameters.DEFAULT,
            IdentityKey.ofSeed(sha256("ppiofs public network".getBytes(StandardCharsets.US_ASCII))),
            false,
            new byte[NONCE_LENGTH]);

    private final NetworkId id;
    private final String name;
    private final NetworkParameters parameters;
    private final @Nullable PublicKey membershipKey;
    private final byte[] envelope;

    private Genesis(String name, NetworkParameters parameters, @Nullable PublicKey membershipKey, byte[] envelope) {
        this.id = NetworkId.of(sha256(envelope));
        this.name = name;
        this.parameters = parameters;
        this.membershipKey = membershipKey;
        this.envelope = envelope;
    }

    /** A network that everybody may join who knows this record. @throws PpiofsException INVALID for an unfit name */
    public static Genesis open(String name, NetworkParameters parameters, SecureRandom random) {
        return found(name, parameters, IdentityKey.generate(random), false, nonce(random));
    }

    /** A network whose members are certified by {@code membershipKey}. @throws PpiofsException INVALID for an unfit name */
    public static Genesis closed(
            String name, NetworkParameters parameters, IdentityKey membershipKey, SecureRandom random) {
        return found(name, parameters, membershipKey, true, nonce(random));
    }

    static Genesis found(String name, NetworkParameters parameters, IdentityKey founder, boolean closed, byte[] nonce) {
        if (!isName(name)) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "create network",
                    name.length() > 80 ? name.substring(0, 80) + "…" : name,
                    "a name has 1 to 63 of a-z, A-Z, 0-9, '.', '_', '-' and begins with a letter or digit");
        }
        CborMap.Builder fields = CborMap.builder()
                .put(2, new CborText(name))
                .put(3, nonce)
                .put(4, closed ? CborBytes.of(founder.publicKey().data()) : CborSimple.NULL)
                .put(5, parameters.toCbor());
        byte[] envelope = TYPE.seal(founder, NetworkId.LOCAL, fields);
        return new Genesis(name, parameters, closed ? founder.publicKey() : null, envelope);
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if these are not the bytes of a genesis record */
    public static Genesis decode(byte[] envelope) {
        return TYPE.open(envelope.clone(), NetworkId.LOCAL, record -> {
            CborMap fields = record.fields();
            fields.requireFields(5);
            String name = fields.text(2, 63);
            if (!isName(name)) {
                throw new MalformedException("its name has characters that names have not");
            }
            fields.bytes(3, NONCE_LENGTH);
            byte[] key = fields.bytesOrNull(4, 32);
            PublicKey membershipKey = key == null ? null : PublicKey.ed25519(key);
            if (membershipKey != null && !membershipKey.equals(record.signer())) {
                throw new MalformedException("it is not signed by its membership key");
            }
            NetworkParameters parameters = NetworkParameters.of(fields.map(5, 4));
            return new Genesis(name, parameters, membershipKey, record.envelope());
        });
    }

    private static boolean isName(String name) {
        return name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
    }

    private static byte[] nonce(SecureRandom random) {
        byte[] nonce = new byte[NONCE_LENGTH];
        random.nextBytes(nonce);
        return nonce;
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    public NetworkId id() {
        return id;
    }

    /** For people; two networks may have the same. */
    public String name() {
        return name;
    }

    public NetworkParameters parameters() {
        return parameters;
    }

    /** The key that certifies members; empty: everybody may join. */
    public Optional<PublicKey> membershipKey() {
        return Optional.ofNullable(membershipKey);
    }

    public boolean isPrivate() {
        return membershipKey != null;
    }

    /** A copy of the record's bytes. */
    public byte[] encode() {
        return envelope.clone();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Genesis other && Arrays.equals(envelope, other.envelope);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }

    /** Name and id. */
    @Override
    public String toString() {
        return name + " " + id;
    }
}
