package io.ppiofs.fs.volume;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.network.NetworkId;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The volumes of a home: one directory per volume, named by its id, with {@code volume} (description), {@code secrets},
 * {@code head}, {@code head.prev}, {@code seen}, {@code journal/}, and perhaps {@code placement} and {@code imported}. The caller holds the home's lock: one process at
 * a time.
 *
 * @param path the volume's directory
 * @param config verified against the owner's signature and the directory's name
 */
public record VolumeDirectory(Path path, VolumeConfig config) {
    private static final String CONFIG = "volume";
    private static final String SECRETS = "secrets";
    static final String JOURNAL = "journal";
    private static final String PLACEMENT = "placement";
    /** Stands in the directory of a volume that was made on another machine. */
    private static final String IMPORTED = "imported";
    /** Directories in the making; swept at the next creation. */
    private static final String STAGING = ".new-";

    private static final Pattern VOLUME_NAME = Pattern.compile("[a-z2-7]{52}");

    private static final String CREATE = "create volume";
    private static final String IMPORT = "import volume";
    private static final String LIST = "list volumes in";

    /** What {@link #list} found. One damaged volume does not hide the others. */
    public record Listing(List<VolumeDirectory> volumes, List<PpiofsException> problems) {
        public Listing {
            volumes = List.copyOf(volumes);
            problems = List.copyOf(problems);
        }
    }

    /**
     * Makes a volume with an empty tree and opens it. The directory appears complete or not at all.
     *
     * @param volumesDir made if it does not exist
     * @throws PpiofsException EXISTS if the name is taken; NO_SPACE; IO
     */
    public static UnlockedVolume create(Path volumesDir, VolumeParameters parameters, Protection protection) {
        return create(volumesDir, parameters, protection, new SecureRandom(), InstantSource.system());
    }

    static UnlockedVolume create(
            Path volumesDir,
            VolumeParameters parameters,
            Protection protection,
            SecureRandom random,
            InstantSource wall) {
        try {
            Files.createDirectories(volumesDir, ownerOnly());
            sweepStaging(volumesDir);
            requireNameFree(volumesDir, parameters.name());
            Capability.ReadWrite rw = new Capability.ReadWrite(Secret.random(random));
            WriterKey writerKey = WriterKey.generate(random);
            WriterIdentity writer =
                    new WriterIdentity(writerKey, rw.owner().certify(NetworkId.LOCAL, writerKey.publicKey(), 0, null));
            VolumeSecrets secrets = new VolumeSecrets(rw, 0, writer);
            VolumeConfig config = new VolumeConfig(
                    rw.volumeId(), NetworkId.LOCAL, parameters, wall.instant().truncatedTo(ChronoUnit.MILLIS));

            Path staging = Files.createDirectory(volumesDir.resolve(STAGING + config.id()), ownerOnly());
            Files.createDirectory(staging.resolve(JOURNAL), ownerOnly());
            DurableFile.replace(staging.resolve(CONFIG), config.sign(rw.owner()), CREATE);
            new SecretsFile(staging.resolve(SECRETS)).write(secrets, protection, random);
            new HeadStore(staging, secrets.keys(), writer, wall).create(HeadState.empty());
            Path directory = volumesDir.resolve(config.id().toString());
            DurableFile.rename(staging, directory);
            DurableFile.syncDirectory(volumesDir);
            return unlocked(directory, config, secrets, protection.kind(), wall);
        } catch (IOException e) {
            throw DurableFile.failure(CREATE, volumesDir.resolve(parameters.name()), e);
        }
    }

    /**
     * Makes the directory of a volume that lives elsewhere from a capability, and opens it. The directory appears complete
     * or not at all. A read-only capability gives a volume without writer. A read-write one gives this machine a writer
     * key of its own, certified under a slot drawn at random, so that two restored machines do not share one; its inode
     * counters go on from the head's. A name that a volume of this home has is no hindrance (see {@link #find}).
     *
     * @param volumesDir made if it does not exist
     * @param configEnvelope {@link #configEnvelope} of the volume
     * @param headEnvelope the newest head there is
     * @throws PpiofsException WRONG_KEY for a capability of another volume or of an earlier epoch; INVALID for one that
     *     only verifies; CORRUPT, UNSUPPORTED_FORMAT; EXISTS if this home has the volume; NOT_PERMITTED for a head in the
     *     future; NO_SPACE; IO
     */
    public static UnlockedVolume importVolume(
            Path volumesDir, Capability capability, byte[] configEnvelope, byte[] headEnvelope, Protection protection) {
        return importVolume(
                volumesDir,
                capability,
                configEnvelope,
                headEnvelope,
                protection,
                new SecureRandom(),
                InstantSource.system());
    }

    static UnlockedVolume importVolume(
            Path volumesDir,
            Capability capability,
            byte[] configEnvelope,
            byte[] headEnvelope,
            Protection protection,
            SecureRandom random,
            InstantSource wall) {
        VolumeConfig config = importedConfig(capability, configEnvelope);
        Head head = importedHead(capability, config, headEnvelope);
        VolumeSecrets secrets = importedSecrets(capability, config, head, random);
        try {
            Files.createDirectories(volumesDir, ownerOnly());
            sweepStaging(volumesDir);
            Path directory = volumesDir.resolve(config.id().toString());
            if (Files.exists(directory)) {
                throw new PpiofsException(
                        ErrorKind.EXISTS, IMPORT, config.name(), "this home has the volume already; mount it");
            }
            Path staging = Files.createDirectory(volumesDir.resolve(STAGING + config.id()), ownerOnly());
            Files.createDirectory(staging.resolve(JOURNAL), ownerOnly());
            DurableFile.replace(staging.resolve(CONFIG), configEnvelope, IMPORT);
            DurableFile.replace(staging.resolve(IMPORTED), new byte[0], IMPORT);
            new SecretsFile(staging.resolve(SECRETS)).write(secrets, protection, random);
            new HeadStore(staging, secrets.keys(), secrets.writer(), wall).adoptFirst(head);
            DurableFile.rename(staging, directory);
            DurableFile.syncDirectory(volumesDir);
            return unlocked(directory, config, secrets, protection.kind(), wall);
        } catch (IOException e) {
            throw DurableFile.failure(IMPORT, volumesDir.resolve(config.name()), e);
        }
    }

    private static VolumeConfig importedConfig(Capability capability, byte[] envelope) {
        String subject = "volume " + capability.volumeId();
        if (envelope.length > VolumeConfig.MAX_LENGTH) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, IMPORT, subject, "its description is too long; fetch it from another peer");
        }
        VolumeConfig config = VolumeConfig.decode(envelope, "the description of " + subject);
        if (!config.id().equals(capability.volumeId())) {
            throw new PpiofsException(
                    ErrorKind.WRONG_KEY,
                    IMPORT,
                    subject,
                    "the description is of volume " + config.id() + "; give that volume's capability");
        }
        return config;
    }

    private static Head importedHead(Capability capability, VolumeConfig config, byte[] envelope) {
        VolumeKeys keys;
        if (capability instanceof Capability.ReadWrite rw) {
            keys = VolumeKeys.of(rw, 0, null);
        } else if (capability instanceof Capability.ReadOnly ro) {
            keys = VolumeKeys.of(ro, null);
        } else {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    IMPORT,
                    config.name(),
                    "a capability that begins with " + Capability.Verify.PREFIX
                            + " cannot read files; ask for one that begins with " + Capability.ReadOnly.PREFIX
                            + ", or audit with it: 'ppiofs verifier add'");
        }
        Head head = Head.open(envelope, keys, "the head of volume " + config.name());
        if (!head.clear().network().equals(config.network())) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    IMPORT,
                    config.name(),
                    "its head is of another network than its description; fetch both from one peer");
        }
        return head;
    }

    private static VolumeSecrets importedSecrets(
            Capability capability, VolumeConfig config, Head head, SecureRandom random) {
        if (!(capability instanceof Capability.ReadWrite rw)) {
            return new VolumeSecrets(capability, ((Capability.ReadOnly) capability).epoch(), null);
        }
        WriterKey key = WriterKey.generate(random);
        int slot = freeSlot(head, random);
        WriterIdentity writer =
                new WriterIdentity(key, rw.owner().certify(config.network(), key.publicKey(), slot, null));
        return new VolumeSecrets(rw, head.clear().epoch(), writer);
    }

    /** A slot that no writer has that the head knows: 1 … 2^20 − 1, at most 4096 of them are taken. */
    private static int freeSlot(Head head, SecureRandom random) {
        while (true) {
            int slot = 1 + random.nextInt(WriterCertificate.MAX_SLOT);
            if (slot != head.clear().certificate().slot()
                    && !head.state().versions().clocks().containsKey(slot)) {
                return slot;
            }
        }
    }

    /** All volumes, by name; an absent directory has none. */
    public static Listing list(Path volumesDir) {
        List<VolumeDirectory> volumes = new ArrayList<>();
        List<PpiofsException> problems = new ArrayList<>();
        if (!Files.exists(volumesDir)) {
            return new Listing(volumes, problems);
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(volumesDir, VolumeDirectory::isNamedLikeVolume)) {
            for (Path entry : entries) {
                try {
                    volumes.add(of(entry));
                } catch (PpiofsException e) {
                    problems.add(e);
                }
            }
        } catch (IOException e) {
            throw DurableFile.failure(LIST, volumesDir, e);
        }
        volumes.sort(Comparator.comparing(v -> v.config().name()));
        return new Listing(volumes, problems);
    }

    /**
     * By name or id; null if there is none. A name that several volumes have means the one that was made here.
     *
     * @throws PpiofsException the problem of a damaged volume, if no sound one has the name: it could be the one
     *     asked for, and making a new one in its place would look like a loss; INVALID if the name means several
     *     imported volumes
     */
    public static @Nullable VolumeDirectory find(Path volumesDir, String nameOrId) {
        Listing listing = list(volumesDir);
        List<VolumeDirectory> imported = new ArrayList<>();
        for (VolumeDirectory v : listing.volumes()) {
            boolean named = v.config().name().equals(nameOrId);
            if (v.config().id().toString().equals(nameOrId) || named && !v.isImported()) {
                return v;
            }
            if (named) {
                imported.add(v);
            }
        }
        if (imported.size() > 1) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "find volume",
                    nameOrId,
                    "several imported volumes have this name; give the id instead, for example "
                            + imported.get(0).config().id());
        }
        if (!imported.isEmpty()) {
            return imported.get(0);
        }
        if (!listing.problems().isEmpty()) {
            throw listing.problems().get(0);
        }
        return null;
    }

    /** Reads and verifies the description of one volume; opens no secret. */
    public static VolumeDirectory of(Path directory) {
        Path file = directory.resolve(CONFIG);
        byte[] bytes = DurableFile.read(file, VolumeConfig.MAX_LENGTH, "read volume description");
        if (bytes == null) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read volume description",
                    file.toString(),
                    "the file is missing; restore it from a backup or remove the directory");
        }
        VolumeConfig config = VolumeConfig.decode(bytes, file.toString());
        if (!String.valueOf(directory.getFileName()).equals(config.id().toString())) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read volume description",
                    file.toString(),
                    "it describes volume " + config.id() + "; give the directory its name back");
        }
        return new VolumeDirectory(directory, config);
    }

    /** True if the volume was made on another machine. */
    public boolean isImported() {
        return Files.exists(path.resolve(IMPORTED));
    }

    /** The signed description as it is handed to other machines. */
    public byte[] configEnvelope() {
        byte[] bytes = DurableFile.read(path.resolve(CONFIG), VolumeConfig.MAX_LENGTH, "read volume description");
        if (bytes == null) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read volume description",
                    path.resolve(CONFIG).toString(),
                    "the file is missing; restore it from a backup");
        }
        return bytes;
    }

    /** Where the volume's blocks belong; null while the owner has said nothing: they stay on this machine. */
    public @Nullable VolumePlacement placement() {
        Path file = path.resolve(PLACEMENT);
        byte[] bytes = DurableFile.read(file, VolumePlacement.MAX_LENGTH, "read placement record");
        return bytes == null ? null : ours(VolumePlacement.decode(bytes, file.toString()), file.toString());
    }

    /**
     * Signs and keeps a new record; durable when it returns. One caller at a time.
     *
     * @param swarm the network that holds the blocks; null: none
     * @throws PpiofsException NO_SPACE, IO
     */
    public VolumePlacement place(OwnerKey owner, Scheme scheme, @Nullable NetworkId swarm) {
        VolumePlacement last = placement();
        return place(owner, scheme, swarm, last == null ? null : last.seal());
    }

    /** @param seal name of the parameters with which holders shall seal closed groups; null: they shall not. Otherwise as above, where it stays what it was */
    public VolumePlacement place(OwnerKey owner, Scheme scheme, @Nullable NetworkId swarm, @Nullable String seal) {
        VolumePlacement last = placement();
        long revision = last == null ? 1 : last.revision() + 1;
        VolumePlacement next = VolumePlacement.sign(owner, config.network(), revision, scheme, swarm, seal);
        keep(ours(next, "new placement record"));
        return next;
    }

    /**
     * Takes a record from elsewhere if it is of a higher revision.
     *
     * @return the record that holds now
     * @throws PpiofsException CORRUPT, WRONG_KEY if it does not verify or is of another volume; NO_SPACE; IO
     */
    public VolumePlacement adoptPlacement(byte[] envelope) {
        VolumePlacement offered = ours(VolumePlacement.decode(envelope, "placement record"), "placement record");
        VolumePlacement last = placement();
        if (last != null && last.revision() >= offered.revision()) {
            return last;
        }
        keep(offered);
        return offered;
    }

    private void keep(VolumePlacement record) {
        DurableFile.replace(path.resolve(PLACEMENT), record.envelope(), "write placement record");
    }

    private VolumePlacement ours(VolumePlacement record, String subject) {
        if (!record.volume().equals(config.id())) {
            throw new PpiofsException(
                    ErrorKind.WRONG_KEY, "read placement record", subject, "it is of volume " + record.volume());
        }
        return record;
    }

    /** How the secrets rest on disk; asks for no key. */
    public Protection.Kind protection() {
        return secretsFile().protection();
    }

    /** For rewrapping. */
    public SecretsFile secretsFile() {
        return new SecretsFile(path.resolve(SECRETS));
    }

    /** {@code of(directory).unlock(unlocker)}. */
    public static UnlockedVolume open(Path directory, Unlocker unlocker) {
        return of(directory).unlock(unlocker);
    }

    /**
     * Opens the secrets; the head is read by {@link HeadStore#read}.
     *
     * @throws PpiofsException WRONG_KEY, CORRUPT, UNSUPPORTED_FORMAT, NOT_FOUND, IO
     */
    public UnlockedVolume unlock(Unlocker unlocker) {
        SecretsFile file = secretsFile();
        VolumeSecrets secrets = file.read(unlocker);
        if (!secrets.capability().volumeId().equals(config.id())) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "unlock",
                    path.toString(),
                    "its secrets are of another volume; restore the file " + SECRETS + " from a backup");
        }
        try {
            Files.createDirectories(path.resolve(JOURNAL), ownerOnly());
        } catch (IOException e) {
            throw DurableFile.failure("open volume", path, e);
        }
        return unlocked(path, config, secrets, file.protection(), InstantSource.system());
    }

    /**
     * Opens the volume for a process that goes on for another one which has it unlocked.
     *
     * @param secrets {@link VolumeSecrets#handedOver} of the other one
     * @throws PpiofsException CORRUPT if they are not this volume's
     */
    public UnlockedVolume unlock(byte[] secrets) {
        String subject = "volume " + config.name();
        try {
            VolumeSecrets handed = VolumeSecrets.decode(secrets, subject);
            if (handed.capability().volumeId().equals(config.id())) {
                return unlocked(path, config, handed, protection(), InstantSource.system());
            }
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "unlock", subject, "its secrets: " + e.getMessage(), e);
        }
        throw new PpiofsException(ErrorKind.CORRUPT, "unlock", subject, "the secrets are of another volume");
    }

    /**
     * Begins a new key epoch: whoever holds a capability of an earlier one reads nothing that is sealed from now on. A
     * volume that is open goes on with {@link VolumeKeys#advanceTo}.
     *
     * @return the new epoch
     * @throws PpiofsException NOT_PERMITTED without the read-write capability or after the last epoch; WRONG_KEY
     */
    public int rotate(Unlocker unlocker) {
        return secretsFile()
                .update(unlocker, this::nextEpoch, new SecureRandom())
                .epoch();
    }

    private VolumeSecrets nextEpoch(VolumeSecrets secrets) {
        VolumeKeys keys = secrets.keys();
        new HeadStore(path, keys, secrets.writer(), InstantSource.system()).read(); // another owner may have rotated
        int next = keys.currentEpoch() + 1;
        if (secrets.owner() == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED, "rotate keys of", "volume " + config.name(), "only its owner can");
        }
        if (next >= Capability.MAX_EPOCHS) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "rotate keys of",
                    "volume " + config.name(),
                    "all " + Capability.MAX_EPOCHS + " epochs are used; copy the files to a new volume");
        }
        return secrets.withEpoch(next);
    }

    private static UnlockedVolume unlocked(
            Path directory,
            VolumeConfig config,
            VolumeSecrets secrets,
            Protection.Kind protection,
            InstantSource wall) {
        VolumeKeys keys = secrets.keys();
        WriterIdentity writer = secrets.writer();
        return new UnlockedVolume(
                config,
                secrets.capability(),
                keys,
                secrets.owner(),
                writer,
                protection,
                new HeadStore(directory, keys, writer, wall),
                directory.resolve(JOURNAL));
    }

    private static void requireNameFree(Path volumesDir, String name) {
        if (find(volumesDir, name) != null) {
            throw new PpiofsException(
                    ErrorKind.EXISTS, CREATE, name, "there is a volume of that name; choose another one");
        }
    }

    private static void sweepStaging(Path volumesDir) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(volumesDir, STAGING + "*")) {
            for (Path directory : left) {
                Files.walkFileTree(directory, new Removal());
            }
        }
    }

    /** Other things (lost+found, a directory in the making) are not ours to judge. */
    private static boolean isNamedLikeVolume(Path p) {
        return VOLUME_NAME.matcher(String.valueOf(p.getFileName())).matches();
    }

    private static FileAttribute<?> ownerOnly() {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    }

    private static final class Removal extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) throws IOException {
            if (failure != null) {
                throw failure;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
        }
    }
}
