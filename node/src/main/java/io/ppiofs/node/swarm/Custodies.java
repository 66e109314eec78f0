package io.ppiofs.node.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.storage.Custody;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.overlay.storage.StorageHost;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The volumes of others whose leases this node prolongs while it runs: {@code HOME/custody/TENANT.custody}, each the record that the
 * volume's owner gave, with what was prolonged beside it. Thread-safe.
 */
public final class Custodies implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Custodies.class);

    /** What a custody's text begins with. */
    private static final String SCHEME = "ppiofs-custody:";

    private static final String KEPT = ".custody";
    private static final String RENEWED = ".renewed";
    private static final int MAX_RECORD = 4_096;

    private final Path directory;
    private final Host host;
    private final Network network;
    private final StorageClient storage;
    private final StorageDirectory operators;
    private final Supplier<@Nullable StorageHost> lent;
    private final Map<PeerId, Kept> kept = new TreeMap<>();
    private boolean closed;

    private record Kept(Custody.Signed custody, LeaseKeeper keeper) {}

    /**
     * @param directory where they are kept
     * @param lent what this node itself hosts, null while it lends nothing
     */
    public Custodies(
            Path directory,
            Host host,
            Network network,
            StorageClient storage,
            StorageDirectory operators,
            Supplier<@Nullable StorageHost> lent) {
        this.lent = lent;
        this.directory = directory;
        this.host = host;
        this.network = network;
        this.storage = storage;
        this.operators = operators;
    }

    /** As it is given away. */
    public static String text(Custody.Signed custody) {
        return SCHEME + Base64.getUrlEncoder().withoutPadding().encodeToString(custody.envelope());
    }

    /** Begins with those that the home has. One that cannot be used is told of and left alone. */
    public synchronized void start() {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + KEPT)) {
            for (Path file : files) {
                try {
                    byte[] record = DurableFile.read(file, MAX_RECORD, "keep custodies");
                    if (record != null) {
                        keep(Custody.open(record, network.id()));
                    }
                } catch (PpiofsException e) {
                    LOG.warn("the custody {} is not used: {}", file, e.getMessage());
                }
            }
        } catch (IOException e) {
            throw DurableFile.failure("keep custodies", directory, e);
        }
    }

    private void keep(Custody.Signed custody) {
        PeerId tenant = custody.custody().tenant();
        LeaseKeeper keeper = new LeaseKeeper(
                tenant.toString(),
                directory.resolve(tenant + RENEWED),
                this::operators,
                true,
                peer -> renew(peer, custody),
                host.scheduler(),
                LeaseKeeper.Times.DEFAULT);
        Kept before = kept.put(tenant, new Kept(custody, keeper));
        if (before != null) {
            before.keeper().close();
        }
        keeper.start();
    }

    private List<PeerId> operators() {
        List<PeerId> all = new ArrayList<>(List.of(host.id()));
        operators.operators().forEach(operator -> all.add(operator.peer()));
        return all;
    }

    private CompletableFuture<StorageClient.Renewed> renew(PeerId holder, Custody.Signed custody) {
        if (!holder.equals(host.id())) {
            return storage.renew(holder, custody, null);
        }
        StorageHost own = lent.get();
        try {
            return own == null
                    ? CompletableFuture.completedFuture(new StorageClient.Renewed(0, Duration.ZERO, List.of()))
                    : CompletableFuture.completedFuture(own.renew(host.id(), custody.custody(), null));
        } catch (PpiofsException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /**
     * Takes a custody over, at once and for as long as it lasts.
     *
     * @throws PpiofsException INVALID if the text is none, or is meant for another node or network, or has ended
     */
    public synchronized Map<String, @Nullable Object> add(String text) {
        Custody.Signed custody = parse(text.strip());
        if (!custody.custody().custodian().equals(host.id())) {
            throw invalid("it is meant for the node " + custody.custody().custodian() + ", and this is " + host.id());
        }
        if (custody.custody().untilMillis() <= host.scheduler().wallMillis()) {
            throw invalid("it ended at "
                    + Instant.ofEpochMilli(custody.custody().untilMillis()) + "; ask the volume's owner for a new one");
        }
        if (closed) {
            throw new PpiofsException(ErrorKind.BUSY, "custody", "add", "the node is ending");
        }
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw DurableFile.failure("keep custodies", directory, e);
        }
        DurableFile.replace(directory.resolve(custody.custody().tenant() + KEPT), custody.envelope(), "keep custodies");
        keep(custody);
        return describe(custody.custody().tenant());
    }

    private Custody.Signed parse(String text) {
        if (!text.startsWith(SCHEME) || text.length() > 2 * MAX_RECORD) {
            throw invalid("it begins with " + SCHEME + " and is printed by 'ppiofs volume custodian'");
        }
        try {
            return Custody.open(Base64.getUrlDecoder().decode(text.substring(SCHEME.length())), network.id());
        } catch (IllegalArgumentException | PpiofsException e) {
            throw invalid("it is damaged, or of another network: " + e.getMessage());
        }
    }

    private static PpiofsException invalid(String why) {
        return new PpiofsException(ErrorKind.INVALID, "custody", "add", why);
    }

    /** @throws PpiofsException NOT_FOUND */
    public synchronized Map<String, @Nullable Object> remove(PeerId tenant) {
        Kept gone = kept.remove(tenant);
        if (gone == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "custody",
                    tenant.toString(),
                    "this node is no custodian of it; 'ppiofs custody list' names those there are");
        }
        gone.keeper().close();
        try {
            Files.deleteIfExists(directory.resolve(tenant + KEPT));
            Files.deleteIfExists(directory.resolve(tenant + RENEWED));
        } catch (IOException e) {
            throw DurableFile.failure("keep custodies", directory, e);
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("removed", tenant.toString());
        return facts;
    }

    /** All of them, by tenant. */
    public synchronized List<Object> list() {
        List<Object> all = new ArrayList<>();
        kept.keySet().forEach(tenant -> all.add(describe(tenant)));
        return all;
    }

    private Map<String, @Nullable Object> describe(PeerId tenant) {
        Kept one = kept.get(tenant);
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        if (one != null) {
            long end = one.keeper().endMillis();
            facts.put("tenant", tenant.toString());
            facts.put(
                    "until",
                    Instant.ofEpochMilli(one.custody().custody().untilMillis()).toString());
            facts.put("holders", (long) one.keeper().holders());
            facts.put("leasesEnd", end == 0 ? null : Instant.ofEpochMilli(end).toString());
        }
        return facts;
    }

    @Override
    public synchronized void close() {
        closed = true;
        kept.values().forEach(one -> one.keeper().close());
    }
}
