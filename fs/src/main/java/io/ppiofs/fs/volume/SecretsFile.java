package io.ppiofs.fs.volume;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The secrets of a volume at rest, one file of mode 0600, replaced atomically. Layout: magic, deterministic CBOR
 * (protection kind, Argon2 parameters, salt, sealed secrets), 8 bytes of SHA-256 over all before it. The checksum tells
 * damage from a wrong passphrase; the AEAD tag is what protects. Stateless; one writer at a time.
 */
public final class SecretsFile {
    /** Largest file that is read. */
    public static final int MAX_LENGTH = 16 * 1024;

    private static final byte[] MAGIC = "PPIOSEC1".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION_AT = MAGIC.length - 1;
    private static final int CHECKSUM_LENGTH = 8;
    private static final int SALT_LENGTH = 32;
    /** The salt is new at each writing, so a wrapping key seals one message and needs no nonce. */
    private static final byte[] NONCE = new byte[Aead.NONCE_LENGTH];

    private static final String READ = "read secrets";
    private static final String WRITE = "write secrets";

    private final Path file;

    public SecretsFile(Path file) {
        this.file = file;
    }

    /** Wraps and replaces the file; NO_SPACE and IO leave the old one. */
    public void write(VolumeSecrets secrets, Protection protection, SecureRandom random) {
        Argon2Cost cost = protection instanceof Protection.Passphrase p ? p.cost() : null;
        byte[] salt = new byte[SALT_LENGTH];
        random.nextBytes(salt);
        DurableFile.replace(file, encode(secrets, protection, cost, salt), WRITE);
    }

    /** How the file is protected; needs no key. */
    public Protection.Kind protection() {
        return load().kind();
    }

    /**
     * @throws PpiofsException WRONG_KEY if passphrase or key file do not open it; CORRUPT; UNSUPPORTED_FORMAT;
     *     NOT_FOUND
     */
    public VolumeSecrets read(Unlocker unlocker) {
        Wrapped wrapped = load();
        return open(wrapped, protectionFor(wrapped, unlocker));
    }

    /** Changes the secrets and keeps protection and cost. */
    public VolumeSecrets update(Unlocker unlocker, UnaryOperator<VolumeSecrets> change, SecureRandom random) {
        Wrapped wrapped = load();
        Protection protection = protectionFor(wrapped, unlocker);
        VolumeSecrets changed = change.apply(open(wrapped, protection));
        byte[] salt = new byte[SALT_LENGTH];
        random.nextBytes(salt);
        DurableFile.replace(file, encode(changed, protection, wrapped.cost(), salt), WRITE);
        return changed;
    }

    /** Wraps the same secrets in another way. Copies of the old file still open with the old passphrase. */
    public void rewrap(Unlocker old, Protection next, SecureRandom random) {
        write(read(old), next, random);
    }

    private record Wrapped(
            Protection.Kind kind, @Nullable Argon2Cost cost, byte[] salt, byte[] associated, byte[] sealed) {}

    private Protection protectionFor(Wrapped wrapped, Unlocker unlocker) {
        if (wrapped.kind() == Protection.Kind.UNPROTECTED) {
            return new Protection.Unprotected();
        }
        Protection protection = unlocker.unlock(wrapped.kind(), file.toString());
        if (protection.kind() != wrapped.kind()) {
            throw wrongKey(wrapped.kind());
        }
        return protection;
    }

    private VolumeSecrets open(Wrapped wrapped, Protection protection) {
        byte[] key = protection.wrappingKey(wrapped.salt(), wrapped.cost());
        byte[] plain = Aead.open(key, NONCE, wrapped.associated(), wrapped.sealed());
        if (plain == null) {
            throw wrongKey(wrapped.kind());
        }
        try {
            return VolumeSecrets.decode(plain, file.toString());
        } catch (MalformedException e) {
            throw damaged(e);
        }
    }

    private static byte[] encode(VolumeSecrets secrets, Protection protection, @Nullable Argon2Cost cost, byte[] salt) {
        byte[] associated = associated(header(protection.kind(), cost, salt).build());
        byte[] sealed = Aead.seal(protection.wrappingKey(salt, cost), NONCE, associated, secrets.encode());
        byte[] body =
                associated(header(protection.kind(), cost, salt).put(4, sealed).build());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(body);
        out.writeBytes(checksum(body));
        return out.toByteArray();
    }

    private static CborMap.Builder header(Protection.Kind kind, @Nullable Argon2Cost cost, byte[] salt) {
        Cbor parameters = cost == null
                ? CborSimple.NULL
                : new CborArray(
                        List.of(new CborInt(cost.memoryKib()), new CborInt(cost.passes()), new CborInt(cost.lanes())));
        return CborMap.builder().put(1, kind.ordinal()).put(2, parameters).put(3, salt);
    }

    private static byte[] associated(CborMap map) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(MAGIC);
        out.writeBytes(CborEncoder.encode(map));
        return out.toByteArray();
    }

    private Wrapped load() {
        byte[] bytes = DurableFile.read(file, MAX_LENGTH, READ);
        if (bytes == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, READ, file.toString(), "the file is missing; restore it from a backup");
        }
        try {
            return parse(bytes);
        } catch (MalformedException e) {
            throw damaged(e);
        }
    }

    private Wrapped parse(byte[] bytes) throws MalformedException {
        int end = bytes.length - CHECKSUM_LENGTH;
        if (end < MAGIC.length || !Arrays.equals(bytes, 0, VERSION_AT, MAGIC, 0, VERSION_AT)) {
            throw new MalformedException("it is no secrets file, or cut off");
        }
        byte[] body = Arrays.copyOf(bytes, end);
        if (!Arrays.equals(checksum(body), Arrays.copyOfRange(bytes, end, bytes.length))) {
            throw new MalformedException("its checksum is wrong");
        }
        if (bytes[VERSION_AT] != MAGIC[VERSION_AT]) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    READ,
                    file.toString(),
                    "it was written by a newer ppiofs; update ppiofs");
        }
        CborMap f = CborDecoder.decodeMap(Arrays.copyOfRange(body, MAGIC.length, end));
        f.requireFields(4);
        Protection.Kind kind = Protection.Kind.values()[(int) f.uint(1, Protection.Kind.values().length - 1)];
        Argon2Cost cost = kind == Protection.Kind.PASSPHRASE ? cost(f.array(2, 3)) : null;
        byte[] salt = f.bytes(3, SALT_LENGTH);
        byte[] sealed = f.bytes(4, Aead.TAG_LENGTH, MAX_LENGTH);
        return new Wrapped(kind, cost, salt, associated(header(kind, cost, salt).build()), sealed);
    }

    private static Argon2Cost cost(CborArray parameters) throws MalformedException {
        if (parameters.items().size() == 3
                && parameters.items().get(0) instanceof CborInt memoryKib
                && parameters.items().get(1) instanceof CborInt passes
                && parameters.items().get(2) instanceof CborInt lanes) {
            return Argon2Cost.ofFile(memoryKib.value(), passes.value(), lanes.value());
        }
        throw new MalformedException("its Argon2 parameters are not three numbers");
    }

    private static byte[] checksum(byte[] body) {
        return Arrays.copyOf(KeyDerivation.newSha256().digest(body), CHECKSUM_LENGTH);
    }

    private PpiofsException wrongKey(Protection.Kind kind) {
        String what = kind == Protection.Kind.PASSPHRASE
                ? "this passphrase does not open it; try again"
                : kind == Protection.Kind.KEY_FILE
                        ? "it opens with the key file it was locked with; name that file"
                        : "it was changed; restore it from a backup";
        return new PpiofsException(ErrorKind.WRONG_KEY, "unlock", file.toString(), what);
    }

    private PpiofsException damaged(MalformedException e) {
        return new PpiofsException(
                ErrorKind.CORRUPT, READ, file.toString(), e.getMessage() + "; restore it from a backup", e);
    }
}
