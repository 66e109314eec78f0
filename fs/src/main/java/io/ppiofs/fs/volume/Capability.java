package io.ppiofs.fs.volume;

import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;

/**
 * What a string of the form {@code ppiofs:rw:…}, {@code ppiofs:ro:…} or {@code ppiofs:verify:…} lets its holder do.
 * Each gives the next by a one-way derivation. {@link #toString} never shows the secret; {@link #text} does.
 *
 * <p>Text: prefix, then base32 of version 1 ‖ fields ‖ first 4 bytes of SHA-256(prefix ‖ version ‖ fields).
 */
public sealed interface Capability {
    /** Key epochs of a volume are 0 … MAX_EPOCHS - 1. */
    int MAX_EPOCHS = EpochChain.MAX_EPOCHS;

    VolumeId volumeId();

    /** The string to hand over. It is the secret: never log it, never put it on a command line. */
    String text();

    /** Everything: certify writers, rotate, write, read. Holds the root secret of the volume. */
    record ReadWrite(Secret root, VolumeId volumeId) implements Capability {
        static final String PREFIX = "ppiofs:rw:";

        public ReadWrite(Secret root) {
            this(root, VolumeRoot.owner(root).volumeId());
        }

        public ReadWrite {
            if (!volumeId.equals(VolumeRoot.owner(root).volumeId())) {
                throw new IllegalArgumentException("root secret of another volume");
            }
        }

        /** Reading of everything up to and including {@code epoch}. */
        public ReadOnly readOnly(int epoch) {
            return new ReadOnly(
                    volumeId, epoch, EpochChain.walkDown(VolumeRoot.lastEpoch(root), MAX_EPOCHS - 1, epoch));
        }

        public OwnerKey owner() {
            return VolumeRoot.owner(root);
        }

        /**
         * Seed (RFC 8032) of the Ed25519 key under which the volume stores on peers: grants name it, put and delete are
         * signed with it. The same on every machine that holds this capability.
         */
        public Secret tenantSeed() {
            return VolumeRoot.tenant(root);
        }

        /** What seals copies of the writers' journals on peers ({@code ReplicaSeal}). */
        public Secret journalCopies() {
            return VolumeRoot.journalCopies(root);
        }

        /** Secret of the keys with which the owner tags and audits what peers hold. It must never come to a peer that stores. */
        public Secret auditSecret() {
            return VolumeRoot.audit(root);
        }

        /** Secret salt of the hashing that proposes peers for the volume's groups. */
        public Secret placementSalt() {
            return VolumeRoot.placementSalt(root);
        }

        @Override
        public String text() {
            return CapabilityText.print(PREFIX, root.bytes());
        }
    }

    /** Reads everything sealed in {@code epoch} and before. */
    record ReadOnly(VolumeId volumeId, int epoch, Secret epochSecret) implements Capability {
        static final String PREFIX = "ppiofs:ro:";

        public ReadOnly {
            requireEpoch(epoch);
        }

        public Verify verify() {
            return new Verify(volumeId, epoch, VolumeKeys.verifyKey(volumeId, epochSecret));
        }

        @Override
        public String text() {
            return CapabilityText.print(PREFIX, withEpoch(volumeId, epoch, epochSecret));
        }
    }

    /** Reads the manifest of {@code epoch}: which blocks there are and where, nothing of what they hold. */
    record Verify(VolumeId volumeId, int epoch, Secret verifyKey) implements Capability {
        static final String PREFIX = "ppiofs:verify:";

        public Verify {
            requireEpoch(epoch);
        }

        /**
         * The plaintext of a manifest of this epoch ({@link VolumeKeys#sealManifest}).
         *
         * @throws PpiofsException CORRUPT; WRONG_KEY if it is of another epoch; UNSUPPORTED_FORMAT
         */
        public byte[] openManifest(byte[] sealed) {
            return new ManifestSeal(volumeId, epoch, verifyKey).open(sealed);
        }

        /**
         * Seed (RFC 8032) of the Ed25519 key under which those who hold this capability, and what gives it, talk to each other: a record signed by it is of one
         * of them.
         */
        public Secret verifiersSeed() {
            return Secret.of(
                    KeyDerivation.derive(verifyKey.bytes(), volumeId.bytes(), "ppiofs/1/verifiers", Secret.LENGTH));
        }

        @Override
        public String text() {
            return CapabilityText.print(PREFIX, withEpoch(volumeId, epoch, verifyKey));
        }
    }

    /** @throws PpiofsException INVALID with one sentence that does not repeat the string */
    static Capability parse(String text) {
        String t = text.strip();
        try {
            if (t.startsWith(ReadWrite.PREFIX)) {
                return new ReadWrite(Secret.of(CapabilityText.read(ReadWrite.PREFIX, t, Secret.LENGTH)));
            }
            if (t.startsWith(ReadOnly.PREFIX)) {
                ByteBuffer in = ByteBuffer.wrap(CapabilityText.read(ReadOnly.PREFIX, t, CapabilityText.WITH_EPOCH));
                return new ReadOnly(CapabilityText.id(in), CapabilityText.epoch(in), CapabilityText.secret(in));
            }
            if (t.startsWith(Verify.PREFIX)) {
                ByteBuffer in = ByteBuffer.wrap(CapabilityText.read(Verify.PREFIX, t, CapabilityText.WITH_EPOCH));
                return new Verify(CapabilityText.id(in), CapabilityText.epoch(in), CapabilityText.secret(in));
            }
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "read",
                    "capability",
                    "it is damaged (" + e.getMessage() + "); copy the whole string again");
        }
        throw new PpiofsException(
                ErrorKind.INVALID,
                "read",
                "capability",
                "it must begin with " + ReadWrite.PREFIX + ", " + ReadOnly.PREFIX + " or " + Verify.PREFIX);
    }

    private static void requireEpoch(int epoch) {
        if (epoch < 0 || epoch >= MAX_EPOCHS) {
            throw new IllegalArgumentException("epoch " + epoch);
        }
    }

    private static byte[] withEpoch(VolumeId id, int epoch, Secret secret) {
        return ByteBuffer.allocate(CapabilityText.WITH_EPOCH)
                .put(id.bytes())
                .putShort((short) epoch)
                .put(secret.bytes())
                .array();
    }
}
