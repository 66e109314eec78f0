package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.PrivateContent;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.node.control.ControlServer;
import io.ppiofs.node.control.Handler;
import io.ppiofs.node.metrics.MetricsServer;
import io.ppiofs.node.network.IdentityFile;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.node.sectors.Sectors;
import io.ppiofs.proofs.sector.SectorOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node that owns a home: volumes, mounts, control socket, metrics. At most one lives per home; the lock file says
 * so. Thread-safe.
 */
public final class Node implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Node.class);

    /** How long a control connection may stay silent. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** How long an ordinary unmount may fail because of open files before a node that ends forces it. */
    private static final Duration LAST_GRACE = Duration.ofSeconds(2);

    /**
     * How a node lives.
     *
     * @param endsWhenIdle end when the last mount has gone, or none comes within {@code firstMount}
     * @param metricsPort overrides the configuration; null leaves it
     * @param network overrides the configuration; null leaves it
     */
    public record Life(
            boolean endsWhenIdle,
            Duration firstMount,
            @Nullable Integer metricsPort,
            @Nullable NetworkOrder network) {
        /** For {@code ppiofs node}: until somebody stops it. */
        public static Life untilStopped(@Nullable Integer metricsPort) {
            return new Life(false, Duration.ZERO, metricsPort, null);
        }

        /** For a node that exists because of a mount. */
        public static Life whileMounted(@Nullable Integer metricsPort) {
            return new Life(true, Duration.ofSeconds(20), metricsPort, null);
        }

        /** This life in a network. */
        public Life in(@Nullable NetworkOrder order) {
            return new Life(endsWhenIdle, firstMount, metricsPort, order);
        }
    }

    /** Makes the services of a home; called once the lock is taken. */
    @FunctionalInterface
    public interface ServicesFactory {
        NodeServices open(Home home, NodeConfig config);
    }

    private final Home home;
    private final HomeLock lock;
    private final NodeConfig config;
    private final Life life;
    private final NodeServices services;
    private final Mounts mounts;
    private final StatusFacts facts;
    private final Sectors sectors;
    private final Instant started = Instant.now();
    private final AtomicInteger mounting = new AtomicInteger();
    private final CountDownLatch end = new CountDownLatch(1);
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CountDownLatch closeDone = new CountDownLatch(1);
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, Node::daemon);
    private volatile @Nullable ControlServer control;
    private volatile @Nullable MetricsServer metrics;
    private volatile @Nullable NetworkService network;

    private Node(Home home, HomeLock lock, NodeConfig config, Life life, NodeServices services) {
        this.home = home;
        this.lock = lock;
        this.config = config;
        this.life = life;
        this.services = services;
        this.facts = new StatusFacts(this);
        this.sectors = new Sectors(home.sectorsDirectory(), this::sectorOptions);
        this.mounts = new Mounts(services, this::virtualFiles, this::endIfIdle);
        services.attach(mounts.access());
    }

    private SectorOptions sectorOptions() {
        byte[] peer = IdentityFile.loadOrCreate(home.identityFile()).peerId().toBytes();
        return new SectorOptions(
                peer, SectorOperations.porepId(), Runtime.getRuntime().availableProcessors());
    }

    /** Opened when they are first needed. */
    Sectors sectors() {
        return sectors;
    }

    private static Thread daemon(Runnable body) {
        Thread thread = new Thread(body, "node-clock");
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Takes the home and reads its configuration. Opens nothing yet; that begins with {@link #serve} or the first
     * request.
     *
     * @throws PpiofsException IN_USE, CONFIG, IO with one sentence
     */
    public static Node own(Home home, Life life, ServicesFactory factory) {
        home.create();
        NodeConfig config = NodeConfig.read(home.configFile());
        HomeLock lock = HomeLock.take(home);
        try {
            LogSetup.configure(home, config);
            return new Node(home, lock, config, life, factory.open(home, config));
        } catch (RuntimeException e) {
            try {
                lock.close();
            } catch (IOException x) {
                e.addSuppressed(x);
            }
            throw e;
        }
    }

    /** {@link #own} and {@link #serve}; on failure the home is free again. */
    public static Node start(Home home, Life life, ServicesFactory factory) {
        Node node = own(home, life, factory);
        try {
            node.serve();
            return node;
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    /** Listens on the control socket and begins to open what a mount will need. */
    public void serve() {
        services.warmUp();
        NetworkOrder order = life.network() == null ? config.network() : life.network();
        if (order != null) {
            network = services.join(order);
        }
        control = ControlServer.start(home.socket(), new Operations(this), PATIENCE);
        if (config.get(NodeConfig.METRICS_ENABLED)) {
            Integer port = life.metricsPort();
            metrics = MetricsServer.start(port == null ? config.get(NodeConfig.METRICS_PORT) : port, facts);
        }
        clock.scheduleWithFixedDelay(new AutoCollect(services, mounts), 1, 1, TimeUnit.SECONDS);
        if (life.endsWhenIdle()) {
            clock.schedule(this::endIfIdle, life.firstMount().toMillis(), TimeUnit.MILLISECONDS);
        }
        LOG.info("node of {} is up, process {}", home, ProcessHandle.current().pid());
    }

    /** Answers one request without the socket, for a command that is the node itself. */
    public Handler handler() {
        return new Operations(this);
    }

    /** Mounts; see {@link Mounts#mount}. */
    Mounts.Live mount(MountRequest request) {
        if (closed.get() || end.getCount() == 0) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "mount", request.directory().toString(), "the node is ending; try again");
        }
        int threads = request.threads() > 0 ? request.threads() : config.get(NodeConfig.MOUNT_THREADS);
        MountOptions options = new MountOptions(
                "ppiofs:" + request.volume(),
                request.readOnly(),
                request.kernelOptions(),
                threads > 0 ? threads : usualThreads());
        mounting.incrementAndGet();
        try {
            return mounts.mount(request, options);
        } finally {
            mounting.decrementAndGet();
            endIfIdle();
        }
    }

    /** Each has up to 2 MiB of direct memory, so there is an end to it. */
    private static int usualThreads() {
        return Math.max(4, Math.min(16, Runtime.getRuntime().availableProcessors() * 2));
    }

    private void endIfIdle() {
        if (life.endsWhenIdle() && isIdle()) {
            end.countDown();
        }
    }

    private boolean isIdle() {
        return mounting.get() == 0 && mounts.list().isEmpty();
    }

    /** True if this node ends because nothing is mounted any more. */
    boolean isEnding() {
        return end.getCount() == 0 || (life.endsWhenIdle() && isIdle());
    }

    /** Returns when the node shall end. */
    public void awaitEnd() throws InterruptedException {
        end.await();
    }

    /** Unmounts everything, makes everything durable, gives the home back. Later calls wait for the first. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            awaitClosed();
            return;
        }
        end.countDown();
        try {
            mounts.close().forEach(this::unmountAtEnd);
            closeAll(sectors, network, services, metrics, control, lock);
            LOG.info("node of {} has ended", home);
        } finally {
            clock.shutdownNow();
            closeDone.countDown();
        }
    }

    private void awaitClosed() {
        try {
            closeDone.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void unmountAtEnd(Mounts.Live mount) {
        long giveUp = System.nanoTime() + LAST_GRACE.toNanos();
        boolean force = false;
        while (true) {
            try {
                mounts.unmount(mount.directory(), force);
                return;
            } catch (PpiofsException e) {
                if (e.kind() == ErrorKind.NOT_FOUND) {
                    return;
                }
                if (force) {
                    LOG.error("could not unmount {}", mount.directory(), e);
                    return;
                }
                force = System.nanoTime() > giveUp || !pause();
            }
        }
    }

    /** @return false if interrupted */
    private static boolean pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(50);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void closeAll(@Nullable AutoCloseable... parts) {
        for (AutoCloseable part : parts) {
            if (part == null) {
                continue;
            }
            try {
                part.close();
            } catch (Exception e) {
                // the others must still be closed; the log is all that is left to tell
                LOG.error("closing {} failed", part.getClass().getSimpleName(), e);
            }
        }
    }

    public Home home() {
        return home;
    }

    Instant started() {
        return started;
    }

    NodeServices services() {
        return services;
    }

    Mounts mounts() {
        return mounts;
    }

    /** The network that this node is in; null if it is in none. */
    public @Nullable NetworkService network() {
        return network;
    }

    /** What the root of a volume shows besides its files. */
    private Map<String, Supplier<byte[]>> virtualFiles(String volume) {
        PrivateContent log = () -> facts.accessLog(volume);
        return Map.of(".stats", () -> facts.volumeFile(volume), ".accesslog", log);
    }

    StatusFacts facts() {
        return facts;
    }

    /** Port of the metrics on the loopback address, 0 if there is none. */
    int metricsPort() {
        MetricsServer server = metrics;
        return server == null ? 0 : server.port();
    }

    /** Path in this node's log where a defect left its stack trace. */
    public Path logFile() {
        return home.logFile();
    }
}
