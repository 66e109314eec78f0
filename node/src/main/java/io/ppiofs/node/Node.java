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
import java.util.concurrent.locks.ReentrantLock;
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
     * @param background nobody waits for the process, so another one may go on for it
     */
    public record Life(
            boolean endsWhenIdle,
            Duration firstMount,
            @Nullable Integer metricsPort,
            @Nullable NetworkOrder network,
            boolean background) {
        /** For {@code ppiofs node}: until somebody stops it. */
        public static Life untilStopped(@Nullable Integer metricsPort) {
            return new Life(false, Duration.ZERO, metricsPort, null, false);
        }

        /** For a node that exists because of a mount. */
        public static Life whileMounted(@Nullable Integer metricsPort) {
            return new Life(true, Duration.ofSeconds(20), metricsPort, null, false);
        }

        /** {@link #whileMounted}, in a process of its own. */
        public static Life inBackground(@Nullable Integer metricsPort) {
            return new Life(true, Duration.ofSeconds(20), metricsPort, null, true);
        }

        /** This life in a network. */
        public Life in(@Nullable NetworkOrder order) {
            return new Life(endsWhenIdle, firstMount, metricsPort, order, background);
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
    /** Held by who ends the node, or hands it over. */
    private final ReentrantLock ending = new ReentrantLock();

    private final ServicesFactory factory;
    private volatile @Nullable Node successor;
    private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, Node::daemon);
    private volatile @Nullable ControlServer control;
    private volatile @Nullable MetricsServer metrics;
    private volatile @Nullable NetworkService network;

    private Node(Home home, HomeLock lock, NodeConfig config, Life life, ServicesFactory factory) {
        this.factory = factory;
        NodeServices services = factory.open(home, config);
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
        return own(home, life, factory, config, HomeLock.take(home));
    }

    private static Node own(Home home, Life life, ServicesFactory factory, NodeConfig config, HomeLock lock) {
        try {
            LogSetup.configure(home, config);
            return new Node(home, lock, config, life, factory);
        } catch (RuntimeException e) {
            try {
                lock.close();
            } catch (IOException x) {
                e.addSuppressed(x);
            }
            throw e;
        }
    }

    /**
     * Takes the home and the mounts that another process, or an earlier node of this one, has left. They are not served before
     * {@link #goOn}. If it throws, the process that called it must end before another one tries.
     */
    static Node takeOver(Home home, Life life, ServicesFactory factory, Handover from) throws InterruptedException {
        NodeConfig config = NodeConfig.read(home.configFile());
        Node node = own(home, life, factory, config, HomeLock.takeOver(home));
        node.begin();
        node.mounts.adopt(from);
        node.listen();
        return node;
    }

    /** Serves the mounts that were taken over. */
    void goOn() {
        mounts.serve();
        HomeLock.endHandover(home);
        startClock();
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
        begin();
        listen();
        startClock();
    }

    private void begin() {
        services.warmUp();
        NetworkOrder order = life.network() == null ? config.network() : life.network();
        if (order != null) {
            NetworkService joined = services.join(order);
            network = joined;
            joined.seal(sectors);
        }
    }

    private void listen() {
        control = ControlServer.start(home.socket(), new Operations(this), PATIENCE);
        if (config.get(NodeConfig.METRICS_ENABLED)) {
            Integer port = life.metricsPort();
            metrics = MetricsServer.start(port == null ? config.get(NodeConfig.METRICS_PORT) : port, facts);
        }
    }

    private void startClock() {
        clock.schedule(CompilerDirectives::apply, 500, TimeUnit.MILLISECONDS); // the start is more urgent
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
                MountRequest.SOURCE, // the volume's name follows: what was asked for may be a capability
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

    /**
     * Unmounts everything, makes everything durable, gives the home back. Waits for another thread that does, or that hands
     * the node over: what came of that is {@link #successor}'s.
     */
    @Override
    public void close() {
        ending.lock();
        try {
            if (!closed.compareAndSet(false, true)) {
                return;
            }
            end.countDown();
            mounts.close().forEach(this::unmountAtEnd);
            closeParts();
            LOG.info("node of {} has ended", home);
        } finally {
            ending.unlock();
        }
    }

    private void closeParts() {
        try {
            closeAll(sectors, network, services, metrics, control, lock);
        } finally {
            clock.shutdownNow();
        }
    }

    // ---- handover

    /**
     * Begins to hand everything over to the process that listens there; returns once it is connected.
     *
     * @throws PpiofsException NOT_SUPPORTED if the node is somebody's foreground; BUSY if it is being handed over
     */
    void handOver(Path socket) {
        if (!life.background()) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "take over",
                    home.toString(),
                    "its node runs in the foreground, under who started it; restart it there");
        }
        mounts.requireMovable();
        HandoverSource.start(this, socket);
    }

    ReentrantLock ending() {
        return ending;
    }

    boolean isClosed() {
        return closed.get();
    }

    /** Other requests than the one that asks are in work. */
    boolean answersOthers() {
        ControlServer server = control;
        return server != null && server.answering() > 0;
    }

    /** Lets go of everything for {@code next}; the mounts are paused. Called with {@link #ending}. */
    Handover leaveTo(long next, Instant pausedSince) {
        HomeLock.beginHandover(home, next);
        closed.set(true);
        Handover left = mounts.give(life.metricsPort(), pausedSince);
        closeParts();
        return left;
    }

    /** Another process has everything. */
    void handedOver() {
        LOG.info("node of {} was taken over", home);
        end.countDown();
    }

    /** Nobody has taken what was left: this process goes on, as another node. */
    void takeBack(Handover left) throws InterruptedException {
        try {
            Node next = takeOver(home, life, factory, left);
            next.goOn();
            successor = next;
        } finally {
            end.countDown();
        }
    }

    /** After {@link #awaitEnd} and {@link #close}: the node as which this process goes on; null if it does not. */
    public @Nullable Node successor() {
        return successor;
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
