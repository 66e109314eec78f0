package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.fs.fuse.FuseMount;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.RequestTimes;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.overlay.identity.PeerId;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Volumes and mounts that exist only in memory, and that tell what was done with them. */
public final class FakeServices implements NodeServices {
    /** What happened, in order: "open default", "mount /m", "unmount /m", "close default", "close services". */
    public final List<String> events = new CopyOnWriteArrayList<>();

    /** The live mounts; tests unmount behind the node's back through them. */
    public final List<FakeMount> mounts = new CopyOnWriteArrayList<>();

    public final Map<String, Supplier<byte[]>> virtualFiles = new LinkedHashMap<>();
    public final AtomicInteger openCores = new AtomicInteger();

    /** What {@code mount} throws next, if anything. */
    public volatile PpiofsException mountFailure;

    /** Unmounting without force fails as if files were open. */
    public volatile boolean busy;

    public volatile FsckReport fsck = new FsckReport(1, 1, 2, 3, 0, List.of());

    public volatile ScrubFindings scrub = new ScrubFindings(9, 100, 0, List.of());

    public volatile long garbageBytes;
    public volatile long availableBytes = 1L << 39;

    private final Map<String, VolumeSummary> volumes = new LinkedHashMap<>();

    public Node.ServicesFactory factory() {
        return (home, config) -> this;
    }

    @Override
    public void attach(VolumeAccess access) {
        // nothing here needs volumes of the node
    }

    @Override
    public void warmUp() {
        events.add("warm up");
    }

    @Override
    public synchronized List<VolumeSummary> volumes() {
        return new ArrayList<>(volumes.values());
    }

    @Override
    public synchronized VolumeSummary find(String name) {
        return volumes.get(name);
    }

    @Override
    public synchronized VolumeSummary createVolume(NewVolume order) {
        if (volumes.containsKey(order.name())) {
            throw new PpiofsException(ErrorKind.EXISTS, "volume", order.name(), "exists already");
        }
        String protection = order.protection().isNone() ? "unprotected" : "passphrase";
        VolumeSummary volume =
                new VolumeSummary(order.name(), "id-" + order.name(), Instant.EPOCH, protection, order.scheme(), null);
        volumes.put(order.name(), volume);
        return volume;
    }

    @Override
    public VolumeSummary importVolume(String capability, Unlock protection) {
        throw new PpiofsException(ErrorKind.NOT_CONNECTED, "import", "volume", "there is no network here");
    }

    @Override
    public String custodian(String name, Unlock unlock, PeerId peer, Duration lasts) {
        throw new PpiofsException(ErrorKind.NOT_CONNECTED, "custodian", "volume " + name, "there is no network here");
    }

    @Override
    public String share(String name, Unlock unlock, String right) {
        return "ppiofs:" + right + ":" + name;
    }

    @Override
    public boolean place(String name, Unlock unlock, @Nullable String scheme, @Nullable String seal) {
        throw new PpiofsException(ErrorKind.NOT_CONNECTED, "place", name, "there is no network here");
    }

    @Override
    public OpenVolume open(String name, Unlock unlock, Map<String, Supplier<byte[]>> files) {
        VolumeSummary volume = volume(name);
        if (volume.protection().equals("passphrase") && unlock.isNone()) {
            throw new PpiofsException(ErrorKind.WRONG_KEY, "unlock", name, "needs a passphrase");
        }
        events.add("open " + name);
        virtualFiles.putAll(files);
        openCores.incrementAndGet();
        return new FakeVolume(name);
    }

    private final class FakeVolume implements OpenVolume {
        private final String name;

        FakeVolume(String name) {
            this.name = name;
        }

        @Override
        public FileSystemCore core() {
            return (FileSystemCore) Proxy.newProxyInstance(
                    FakeServices.class.getClassLoader(), new Class<?>[] {FileSystemCore.class}, (p, method, a) -> {
                        throw new UnsupportedOperationException(method.getName());
                    });
        }

        @Override
        public void publish(Progress progress) {
            events.add("publish " + name);
        }

        @Override
        public void syncToSwarm() {
            events.add("sync to swarm " + name);
        }

        @Override
        public VolumeFacts facts() {
            return new VolumeFacts(7, 1, 4096, garbageBytes, Instant.EPOCH, null, Map.of("dirtyBytes", 5L));
        }

        @Override
        public FsckReport fsck(Progress progress) {
            progress.report("fsck", 1, 2);
            return fsck;
        }

        @Override
        public void close() {
            openCores.decrementAndGet();
            events.add("close " + name);
        }
    }

    @Override
    public ScrubFindings scrub(long bytesPerSecond, Progress progress, BooleanSupplier cancelled) {
        events.add("scrub " + bytesPerSecond);
        return scrub;
    }

    @Override
    public GcReport gc(Progress progress) {
        events.add("gc");
        progress.report("gc", 1, 2);
        garbageBytes = 0;
        return new GcReport(10, 3, 1 << 20);
    }

    @Override
    public StoreFacts store() {
        return new StoreFacts(10, 1 << 20, 1 << 20, 1, availableBytes, 1L << 40);
    }

    @Override
    public NetworkService join(NetworkOrder order) {
        events.add(
                "join " + order.network() + " " + order.listen() + " " + order.bootstrap() + " " + order.superPeer());
        return new FakeNetwork(events, order);
    }

    @Override
    public FuseDriver driver() {
        return this::mount;
    }

    private FuseMount mount(FileSystemCore core, Path directory, MountOptions options) {
        PpiofsException failure = mountFailure;
        if (failure != null) {
            throw failure;
        }
        events.add("mount " + directory.getFileName());
        FakeMount mount = new FakeMount(directory);
        mounts.add(mount);
        return mount;
    }

    /** A mount that the kernel does not know. */
    public final class FakeMount implements FuseMount {
        private final Path directory;
        private final CountDownLatch end = new CountDownLatch(1);

        FakeMount(Path directory) {
            this.directory = directory;
        }

        /** As umount(8) does it. */
        public void unmountBehindTheNode() {
            end.countDown();
        }

        @Override
        public Path mountPoint() {
            return directory;
        }

        @Override
        public void awaitEnd() throws InterruptedException {
            end.await();
        }

        @Override
        public boolean awaitEnd(Duration timeout) throws InterruptedException {
            return end.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
        }

        @Override
        public List<RequestTimes.Row> requestTimes() {
            return List.of(new RequestTimes.Row("mkdir", 3, 6_000_000, List.of(1L, 0L, 2L)));
        }

        @Override
        public String accessLog() {
            return "mkdir\n";
        }

        @Override
        public boolean mounted() {
            return end.getCount() > 0;
        }

        @Override
        public void unmount(boolean force) {
            if (busy && !force) {
                throw new PpiofsException(ErrorKind.BUSY, "umount", directory.toString(), "files are open");
            }
            if (mounted()) {
                events.add((force ? "force " : "unmount ") + directory.getFileName());
            }
            mounts.remove(this);
            end.countDown();
        }

        @Override
        public void close() {
            unmount(true);
        }
    }

    @Override
    public void close() {
        events.add("close services");
    }
}
