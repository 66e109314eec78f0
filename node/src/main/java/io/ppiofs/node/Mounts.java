package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.FuseMount;
import io.ppiofs.fs.fuse.MountOptions;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The live mounts of a node and the volumes they keep open. All mounts of one volume share one core; the last one to
 * go closes it, which is its checkpoint. One watcher thread per mount notices its end, whoever unmounted. Thread-safe:
 * the registry's lock is never held while a volume opens, mounts or closes.
 */
final class Mounts {
    private static final Logger LOG = LoggerFactory.getLogger(Mounts.class);
    private static final String TAKE_OVER = "take over";
    private static final long POLL_MILLIS = 20;

    /** A mount and the volume it shows. */
    record Live(
            Path directory,
            String volume,
            MountOptions options,
            FuseMount fuse,
            Instant since,
            boolean attached,
            CompletableFuture<Void> ended) {}

    /** A volume and how many use it; {@code opened} is completed by the first user, {@code closed} by the last. */
    private static final class Held {
        final CompletableFuture<OpenVolume> opened = new CompletableFuture<>();
        final CompletableFuture<Void> closed = new CompletableFuture<>();
        int users;
        boolean closing;
    }

    /** No other machine writes a volume while another process of this one takes it over: longer than that may take. */
    private static final Duration TURN = Duration.ofMinutes(2);

    private final NodeServices services;
    private final Function<String, Map<String, Supplier<byte[]>>> virtualFiles;
    private final Runnable changed;
    private final Map<Path, Live> live = new LinkedHashMap<>();
    private final Map<String, Held> volumes = new LinkedHashMap<>();
    /** Given to another process: what ended here goes on there. */
    private final Set<Live> handed = new HashSet<>();

    private int mounting;
    private boolean closing;
    private boolean handingOver;

    /**
     * @param virtualFiles what a volume shows besides its files
     * @param changed called without a lock when a mount has ended
     */
    Mounts(NodeServices services, Function<String, Map<String, Supplier<byte[]>>> virtualFiles, Runnable changed) {
        this.services = services;
        this.virtualFiles = virtualFiles;
        this.changed = changed;
    }

    /** Mounts and returns once the mount answers. The default volume is created when it is missing. */
    Live mount(MountRequest request, MountOptions options) {
        synchronized (this) {
            if (closing) {
                throw new PpiofsException(
                        ErrorKind.NOT_CONNECTED, "mount", request.directory().toString(), "the node is ending");
            }
            mounting++;
        }
        try {
            return mountNow(request, options);
        } finally {
            synchronized (this) {
                mounting--;
                notifyAll();
            }
        }
    }

    /**
     * From now on nothing is mounted. A mount under way, which the kernel may show already, is waited for.
     *
     * @return all that is mounted
     */
    synchronized List<Live> close() {
        closing = true;
        boolean interrupted = false;
        while (mounting > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true; // what is mounted must be unmounted all the same
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return list();
    }

    private Live mountNow(MountRequest request, MountOptions options) {
        requireFree(request.directory());
        String name = nameOf(request);
        MountOptions shown = options.from(options.source() + name);
        OpenVolume volume = acquire(name, request.unlock());
        FuseMount fuse;
        try {
            if (request.swarmSync() && !request.readOnly()) {
                volume.syncToSwarm();
            }
            fuse = services.driver().mount(volume.core(), request.directory(), shown);
        } catch (RuntimeException e) {
            releaseAfter(e, name);
            throw e;
        }
        Live mount = new Live(
                request.directory(), name, shown, fuse, Instant.now(), request.attached(), new CompletableFuture<>());
        synchronized (this) {
            live.put(request.directory(), mount);
        }
        startWatcher(mount);
        LOG.info("mounted {} at {}", name, request.directory());
        return mount;
    }

    private void startWatcher(Live mount) {
        Thread watcher = new Thread(() -> watch(mount), "mount-" + mount.directory());
        watcher.setDaemon(true);
        watcher.start();
    }

    /** The volume's own name, also where the request names it by its id. */
    private String nameOf(MountRequest request) {
        if (MountRequest.isCapability(request.volume())) {
            return services.importVolume(request.volume(), request.unlock()).name();
        }
        VolumeSummary known = services.find(request.volume());
        if (known != null) {
            return known.name();
        }
        if (!MountRequest.DEFAULT_VOLUME.equals(request.volume())) {
            throw NodeServices.unknown(request.volume());
        }
        return services.createVolume(NewVolume.of(request.volume(), request.unlock()))
                .name();
    }

    /** For who opens every volume, with what opens unprotected ones. */
    VolumeAccess access() {
        return new VolumeAccess() {
            @Override
            public OpenVolume acquire(String name) {
                return Mounts.this.acquire(name, Unlock.NONE);
            }

            @Override
            public void release(String name) {
                Mounts.this.release(name);
            }
        };
    }

    private void requireFree(Path directory) {
        Live there = find(directory);
        if (there != null && there.fuse().mounted()) {
            throw new PpiofsException(
                    ErrorKind.BUSY, "mount", directory.toString(), "is mounted already; unmount it first");
        }
        if (there != null) {
            // unmounted a moment ago by umount(8), which does not wait as 'ppiofs umount' does
            there.ended().handle((ok, failed) -> ok).join();
        }
        // Checked here, too, so that a typing error does not create a volume. A dead mount point has no attributes
        // (ENOTCONN) but does exist: that one is the driver's.
        if (Files.notExists(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, "mount", directory.toString(), "does not exist; make the directory first");
        }
        if (Files.isRegularFile(directory)) {
            throw new PpiofsException(
                    ErrorKind.NOT_A_DIRECTORY, "mount", directory.toString(), "is not a directory; name a directory");
        }
    }

    private void watch(Live mount) {
        try {
            mount.fuse().awaitEnd();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (isHanded(mount)) {
            forget(mount);
            mount.ended().complete(null);
            return;
        }
        try {
            release(mount.volume());
            LOG.info("unmounted {} from {}", mount.volume(), mount.directory());
            forget(mount);
            mount.ended().complete(null);
        } catch (RuntimeException e) {
            LOG.error("closing {} after its unmount failed", mount.volume(), e);
            forget(mount);
            mount.ended().completeExceptionally(e);
        }
        changed.run();
    }

    private synchronized boolean isHanded(Live mount) {
        return handed.remove(mount);
    }

    private synchronized void forget(Live mount) {
        live.remove(mount.directory(), mount);
    }

    /**
     * Unmounts and waits until everything that was written is safe.
     *
     * @throws PpiofsException NOT_FOUND if nothing of this node is mounted there; BUSY if files are open
     */
    void unmount(Path directory, boolean force) {
        Live mount = find(directory);
        if (mount == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, "umount", directory.toString(), "is not mounted by the node of this home");
        }
        mount.fuse().unmount(force);
        await(mount);
    }

    /** Returns when the mount has ended and its volume is safe. */
    static void await(Live mount) {
        try {
            mount.ended().join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof PpiofsException cause) {
                throw cause;
            }
            throw new PpiofsException(
                    ErrorKind.INTERNAL, "umount", mount.directory().toString(), "closing the volume failed: " + e, e);
        }
    }

    synchronized @Nullable Live find(Path directory) {
        return live.get(directory);
    }

    synchronized List<Live> list() {
        return new ArrayList<>(live.values());
    }

    /** Volumes that are open now, by name. */
    Map<String, OpenVolume> open() {
        Map<String, OpenVolume> open = new LinkedHashMap<>();
        synchronized (this) {
            volumes.forEach((name, held) -> {
                if (!held.closing && held.opened.isDone() && !held.opened.isCompletedExceptionally()) {
                    open.put(name, held.opened.join());
                }
            });
        }
        return open;
    }

    /** The volume, opened if it is not; each call needs one {@link #release}. */
    OpenVolume acquire(String name, Unlock unlock) {
        while (true) {
            Held held;
            boolean first;
            boolean closing;
            synchronized (this) {
                if (handingOver) {
                    throw new PpiofsException(
                            ErrorKind.NOT_CONNECTED,
                            "open",
                            "volume " + name,
                            "its node is being taken over; try again");
                }
                held = volumes.computeIfAbsent(name, n -> new Held());
                closing = held.closing;
                first = held.users == 0 && !closing;
                if (!closing) {
                    held.users++;
                }
            }
            if (first) {
                return openFirst(name, held, unlock);
            }
            if (closing) {
                held.closed.join();
                continue;
            }
            try {
                return held.opened.join();
            } catch (CompletionException e) {
                // the first user failed and took the entry away: try again, perhaps with a better key
                continue;
            }
        }
    }

    private OpenVolume openFirst(String name, Held held, Unlock unlock) {
        try {
            OpenVolume volume = services.open(name, unlock, virtualFiles.apply(name));
            held.opened.complete(volume);
            return volume;
        } catch (RuntimeException e) {
            synchronized (this) {
                volumes.remove(name, held);
            }
            held.opened.completeExceptionally(e);
            throw e;
        }
    }

    /** Gives one {@link #acquire} back; the last one closes the volume and returns when it is safe. */
    void release(String name) {
        Held held;
        synchronized (this) {
            held = volumes.get(name);
            if (held == null || held.users == 0) {
                throw new IllegalStateException("volume " + name + " is not held");
            }
            held.users--;
            if (held.users > 0) {
                return;
            }
            held.closing = true;
        }
        try {
            held.opened.join().close();
        } finally {
            synchronized (this) {
                volumes.remove(name, held);
            }
            held.closed.complete(null);
        }
    }

    // ---- handover: stop, pause, give; or resume and goOn

    /**
     * From now on nothing is mounted and no volume is opened, and only mounts use the volumes.
     *
     * @throws PpiofsException BUSY, NOT_SUPPORTED if that cannot be; then everything is as before
     */
    synchronized void stop(Duration patience) throws InterruptedException {
        if (closing) {
            throw new PpiofsException(ErrorKind.NOT_CONNECTED, TAKE_OVER, "node", "it is ending");
        }
        closing = true;
        handingOver = true;
        boolean stopped = false;
        try {
            requireMovable();
            long giveUp = System.nanoTime() + patience.toNanos();
            while (mounting > 0 || usedBesides() != null) {
                if (System.nanoTime() > giveUp) {
                    throw new PpiofsException(
                            ErrorKind.BUSY,
                            TAKE_OVER,
                            "node",
                            (mounting > 0 ? "a mount is being made" : "a command is at work on volume " + usedBesides())
                                    + "; try again when it has ended");
                }
                wait(POLL_MILLIS);
            }
            stopped = true;
        } finally {
            if (!stopped) {
                goOn();
            }
        }
    }

    /** @throws PpiofsException BUSY, NOT_SUPPORTED if a mount cannot go to another process */
    synchronized void requireMovable() {
        live.values().forEach(Mounts::requireMovable);
    }

    private static void requireMovable(Live mount) {
        String directory = mount.directory().toString();
        if (mount.attached()) {
            throw new PpiofsException(
                    ErrorKind.BUSY,
                    TAKE_OVER,
                    directory,
                    "belongs to a 'ppiofs mount' in the foreground; end that first");
        }
        if (!mount.fuse().canBeHandedOver()) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    TAKE_OVER,
                    directory,
                    "is mounted through libfuse, which cannot hand over; unmount and mount it again");
        }
    }

    /** @return a volume that somebody but the mounts uses; null if there is none */
    private @Nullable String usedBesides() {
        for (Map.Entry<String, Held> e : volumes.entrySet()) {
            long mounts = live.values().stream()
                    .filter(m -> m.volume().equals(e.getKey()))
                    .count();
            if (e.getValue().users != mounts || e.getValue().closing) {
                return e.getKey();
            }
        }
        return null;
    }

    /** Mounts and opens again. */
    synchronized void goOn() {
        closing = false;
        handingOver = false;
    }

    /** Everything that was done so far is durable on this machine. */
    void sync() {
        open().values().forEach(volume -> volume.core().syncHere());
    }

    /** Stops all mounts; their requests wait in the kernel. @return false if one could not: then all serve */
    boolean pause(Duration patience) throws InterruptedException {
        List<Live> paused = new ArrayList<>();
        for (Live mount : list()) {
            if (mount.fuse().pause(patience)) {
                paused.add(mount);
            } else if (mount.fuse().mounted()) {
                paused.forEach(p -> p.fuse().resume());
                return false;
            }
        }
        return true;
    }

    void resume() {
        list().forEach(mount -> mount.fuse().resume());
    }

    /** Gives the mounts, which are paused, and closes their volumes. */
    Handover give(@Nullable Integer metricsPort, Instant pausedSince) {
        List<Handover.Volume> left = new ArrayList<>();
        open().forEach((name, volume) -> left.add(
                new Handover.Volume(name, volume.secrets(), volume.core().unnamed(), volume.syncsToSwarm())));
        List<Handover.Mount> given = new ArrayList<>();
        for (Live mount : list()) {
            if (!mount.fuse().mounted()) {
                continue;
            }
            synchronized (this) {
                handed.add(mount);
            }
            given.add(new Handover.Mount(
                    mount.directory(),
                    mount.volume(),
                    mount.since(),
                    mount.fuse().handOver()));
        }
        open().forEach((name, volume) -> {
            try {
                volume.keepTurn(TURN);
                volume.close();
            } catch (RuntimeException e) {
                // what was written is in the journal, and read from there
                LOG.error("closing {} for another process failed", name, e);
            }
        });
        return new Handover(left, given, metricsPort, pausedSince);
    }

    /** Opens the volumes and goes on with the mounts of another process, which are still paused when it returns. */
    void adopt(Handover from) {
        Map<String, Held> resumed = new HashMap<>();
        for (Handover.Volume v : from.volumes()) {
            OpenVolume volume = services.resume(v.name(), v.secrets(), virtualFiles.apply(v.name()));
            Held held = new Held();
            held.opened.complete(volume);
            resumed.put(v.name(), held);
            synchronized (this) {
                volumes.put(v.name(), held);
            }
            if (v.syncsToSwarm()) {
                volume.syncToSwarm();
            }
        }
        for (Handover.Mount m : from.mounts()) {
            Held held = resumed.get(m.volume());
            if (held == null) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT, TAKE_OVER, m.directory().toString(), "is of no volume");
            }
            MountOptions options = m.kernel().options();
            FuseMount fuse = services.driver().adopt(held.opened.join().core(), m.kernel());
            Live mount =
                    new Live(m.directory(), m.volume(), options, fuse, m.since(), false, new CompletableFuture<>());
            synchronized (this) {
                live.put(m.directory(), mount);
                held.users++;
            }
        }
        for (Handover.Volume v : from.volumes()) {
            OpenVolume volume = open().get(v.name());
            if (volume != null) {
                volume.core().resumed(v.unnamed());
            }
        }
    }

    /** Serves what was adopted. */
    void serve() {
        resume();
        list().forEach(this::startWatcher);
    }

    private void releaseAfter(RuntimeException failure, String volume) {
        try {
            release(volume);
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }
}
