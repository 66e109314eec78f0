package io.ppiofs.fs.volume;

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
 * {@code head}, {@code head.prev}, {@code seen} and {@code journal/}. The caller holds the home's lock: one process at
 * a time.
 *
 * @param path the volume's directory
 * @param config verified against the owner's signature and the directory's name
 */
public record VolumeDirectory(Path path, VolumeConfig config) {
    private static final String CONFIG = "volume";
    private static final String SECRETS = "secrets";
    private static final String JOURNAL = "journal";
    /** Directories in the making; swept at the next creation. */
    private static final String STAGING = ".new-";

    private static final Pattern VOLUME_NAME = Pattern.compile("[a-z2-7]{52}");

    private static final String CREATE = "create volume";
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
     * By name or id; null if there is none.
     *
     * @throws PpiofsException the problem of a damaged volume, if no sound one has the name: it could be the one
     *     asked for, and making a new one in its place would look like a loss
     */
    public static @Nullable VolumeDirectory find(Path volumesDir, String nameOrId) {
        Listing listing = list(volumesDir);
        for (VolumeDirectory v : listing.volumes()) {
            if (v.config().name().equals(nameOrId) || v.config().id().toString().equals(nameOrId)) {
                return v;
            }
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
