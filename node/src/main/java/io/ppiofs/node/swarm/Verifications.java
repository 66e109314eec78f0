package io.ppiofs.node.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.node.audit.VolumeAuditor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The volumes that this node audits for others while it runs: {@code HOME/verifying/VOLUME}, each with {@code capability}, the text that was given, {@code key},
 * from which this node's key of challenges derives, and what was learnt. None of it opens a block. Thread-safe.
 */
public final class Verifications implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Verifications.class);
    private static final String CAPABILITY = "capability";
    private static final String KEY = "key";
    private static final int KEY_BYTES = 32;
    private static final int MAX_TEXT = 1_024;
    private static final String KEEP = "keep verify capabilities";

    /** What is made of a capability. */
    record Order(Capability.Verify capability, Path directory, byte[] key) {}

    private final Path directory;
    private final Function<Order, VerifiedVolume> opener;
    private final Map<String, VerifiedVolume> open = new TreeMap<>();
    private boolean closed;

    Verifications(Path directory, Function<Order, VerifiedVolume> opener) {
        this.directory = directory;
        this.opener = opener;
    }

    /** Begins with those that the home has. One that cannot be used is told of and left alone. */
    synchronized void start() {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (DirectoryStream<Path> kept = Files.newDirectoryStream(directory)) {
            for (Path one : kept) {
                try {
                    if (Files.exists(one.resolve(CAPABILITY))) {
                        begin(one);
                    } else {
                        delete(one); // it was removed, and not all of it could be
                    }
                } catch (PpiofsException e) {
                    LOG.warn("the verify capability {} is not used: {}", one, e.getMessage());
                }
            }
        } catch (IOException e) {
            throw DurableFile.failure(KEEP, directory, e);
        }
    }

    private void begin(Path of) {
        byte[] text = DurableFile.read(of.resolve(CAPABILITY), MAX_TEXT, KEEP);
        byte[] key = DurableFile.read(of.resolve(KEY), KEY_BYTES, KEEP);
        if (text == null || key == null || key.length != KEY_BYTES) {
            throw new PpiofsException(ErrorKind.CORRUPT, KEEP, of.toString(), "files are missing; add it again");
        }
        Capability.Verify capability = parse(new String(text, StandardCharsets.US_ASCII));
        VerifiedVolume volume = opener.apply(new Order(capability, of, key));
        open.put(capability.volumeId().toString(), volume);
        volume.start();
    }

    private static Capability.Verify parse(String text) {
        if (Capability.parse(text) instanceof Capability.Verify verify) {
            return verify;
        }
        throw new PpiofsException(
                ErrorKind.INVALID,
                "verifier",
                "add",
                "it lets its holder do more than verify, and would lie here in clear; ask for 'ppiofs volume share --verify'");
    }

    /**
     * Takes a capability, at once and until it is removed; one of the same volume and a later epoch replaces what there was.
     *
     * @throws PpiofsException INVALID if it is no verify capability, or there is one of a later epoch
     */
    public synchronized Map<String, @Nullable Object> add(String text) {
        Capability.Verify capability = parse(text);
        if (closed) {
            throw new PpiofsException(ErrorKind.BUSY, "verifier", "add", "the node is ending");
        }
        String id = capability.volumeId().toString();
        VerifiedVolume known = open.get(id);
        if (known != null && capability.epoch() < known.capability().epoch()) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "verifier",
                    "add",
                    "it is of epoch " + capability.epoch() + " of a volume of which this node has that of epoch "
                            + known.capability().epoch() + ", and opens no manifest that is written now");
        }
        if (known == null || !known.capability().text().equals(capability.text())) {
            if (known != null) {
                open.remove(id); // of another epoch
                known.close();
            }
            keep(capability, directory.resolve(id));
            begin(directory.resolve(id));
            known = open.get(id);
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("volume", id);
        facts.put("name", known == null ? null : known.name());
        return facts;
    }

    private static void keep(Capability.Verify capability, Path of) {
        byte[] key = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(key);
        try {
            Files.createDirectories(of);
            Files.setPosixFilePermissions(of, PosixFilePermissions.fromString("rwx------"));
        } catch (IOException e) {
            throw DurableFile.failure(KEEP, of, e);
        }
        if (!Files.exists(of.resolve(KEY))) {
            DurableFile.replace(of.resolve(KEY), key, KEEP);
        }
        DurableFile.replace(of.resolve(CAPABILITY), capability.text().getBytes(StandardCharsets.US_ASCII), KEEP);
    }

    /** @throws PpiofsException NOT_FOUND */
    public synchronized Map<String, @Nullable Object> remove(String nameOrId) {
        VerifiedVolume gone = find(nameOrId);
        if (gone == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "verifier",
                    nameOrId,
                    "this node does not audit it; 'ppiofs verifier list' names what it audits");
        }
        String id = gone.capability().volumeId().toString();
        Path of = directory.resolve(id);
        try {
            // what stays without it is deleted at the next start
            Files.deleteIfExists(of.resolve(CAPABILITY));
            DurableFile.syncDirectory(of);
        } catch (IOException e) {
            throw DurableFile.failure(KEEP, of, e);
        }
        open.remove(id);
        gone.close();
        delete(of);
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("removed", id);
        return facts;
    }

    /** Somebody who could not be waited for may still write there: what stays is no failure. */
    private static void delete(Path of) {
        try (Stream<Path> files = Files.walk(of)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.info("what was learnt of a volume that is no longer verified stays in {}: {}", of, e.toString());
        }
    }

    /** All of them, by id. */
    public synchronized List<Object> list() {
        List<Object> all = new ArrayList<>();
        open.values().forEach(volume -> all.add(volume.facts()));
        return all;
    }

    private synchronized @Nullable VerifiedVolume find(String nameOrId) {
        VerifiedVolume byId = open.get(nameOrId);
        if (byId != null) {
            return byId;
        }
        List<VerifiedVolume> named = open.values().stream()
                .filter(volume -> nameOrId.equals(volume.name()))
                .toList();
        if (named.size() > 1) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "verifier", nameOrId, "several volumes have this name; give the id");
        }
        return named.isEmpty() ? null : named.get(0);
    }

    /**
     * The auditor of a volume, which knows the newest manifest that could be had; null if this node does not audit it.
     *
     * @param nameOrId as its owner calls it, or the volume's id
     */
    public @Nullable VolumeAuditor auditor(String nameOrId) {
        VerifiedVolume volume = find(nameOrId);
        if (volume == null) {
            return null;
        }
        volume.refresh();
        return volume.auditor();
    }

    @Override
    public synchronized void close() {
        closed = true;
        open.values().forEach(VerifiedVolume::close);
        open.clear();
    }
}
