package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A mount that the kernel shows, whichever driver serves it. Thread-safe. */
public final class LiveMount implements FuseMount {
    private static final Logger LOG = LoggerFactory.getLogger(LiveMount.class);
    private static final Path CONNECTIONS = Path.of("/sys/fs/fuse/connections");
    private static final int EBUSY = 16;
    private static final int EINVAL = 22;
    /** Of those who keep a mount busy, so that a sentence stays one. */
    private static final int MOST_NAMED = 8;

    /** How long a detached mount may go on answering before its connection is cut. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    /** How long a request may stay in the core once its connection is cut. */
    private static final Duration ABORT_LIMIT = Duration.ofSeconds(30);

    private final NativeSystem system;
    private final MountSession session;
    private final Path mountPoint;
    private final MountTable.Entry entry;

    /** @param entry what the kernel says of this mount */
    public LiveMount(NativeSystem system, MountSession session, Path mountPoint, MountTable.Entry entry) {
        this.system = system;
        this.session = session;
        this.mountPoint = mountPoint;
        this.entry = entry;
    }

    @Override
    public Path mountPoint() {
        return mountPoint;
    }

    @Override
    public void awaitEnd() throws InterruptedException {
        session.awaitEnd();
    }

    @Override
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return session.awaitEnd(timeout);
    }

    @Override
    public boolean mounted() {
        return !session.hasEnded();
    }

    @Override
    public List<RequestTimes.Row> requestTimes() {
        return session.requestTimes();
    }

    @Override
    public String accessLog() {
        return session.accessLog();
    }

    @Override
    public boolean canBeHandedOver() {
        return session.canBeHandedOver();
    }

    @Override
    public boolean pause(Duration timeout) throws InterruptedException {
        return session.pause(timeout, () -> {
            if (onTop()) {
                int errno = system.statfs(mountPoint);
                LOG.trace("asked {} for its size (errno {})", mountPoint, errno);
            }
        });
    }

    @Override
    public void resume() {
        session.resume();
    }

    @Override
    public MountHandover handOver() {
        return session.handOver(mountPoint, entry);
    }

    @Override
    public synchronized void unmount(boolean force) {
        if (session.hasEnded()) {
            return;
        }
        try {
            if (force) {
                detach();
            } else {
                unmountIdle();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "umount", mountPoint.toString(), "interrupted", e);
        }
    }

    private void unmountIdle() throws InterruptedException {
        if (onTop()) {
            int errno = system.unmount(mountPoint);
            if (errno == EBUSY) {
                throw busy();
            }
            refuse(errno);
        } else if (MountTable.contains(entry)) {
            throw new PpiofsException(
                    ErrorKind.BUSY,
                    "umount",
                    mountPoint.toString(),
                    "another filesystem is mounted on top of it; unmount that first");
        }
        // Gone from the tree, perhaps detached by somebody else while files are open: it ends with the last of them.
        session.awaitEnd();
    }

    private void refuse(int errno) {
        // EINVAL: no longer a mount point, somebody else was faster.
        if (errno != 0 && errno != EINVAL) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "umount",
                    mountPoint.toString(),
                    "the system refused (errno " + errno + "); try as the user who mounted it");
        }
    }

    private boolean onTop() {
        Optional<MountTable.Entry> top = MountTable.at(mountPoint);
        return top.isPresent() && top.get().device().equals(entry.device());
    }

    private PpiofsException busy() {
        List<String> holders = MountHolders.of(entry);
        String who = holders.isEmpty() ? "a process that cannot be seen" : firstOf(holders);
        return new PpiofsException(
                ErrorKind.BUSY,
                "umount",
                mountPoint.toString(),
                "is in use by " + who + "; end it, or unmount with force");
    }

    private static String firstOf(List<String> holders) {
        int more = holders.size() - MOST_NAMED;
        return more <= 0
                ? String.join(", ", holders)
                : String.join(", ", holders.subList(0, MOST_NAMED)) + " and " + more + " more";
    }

    private void detach() throws InterruptedException {
        if (onTop()) {
            refuse(system.detach(mountPoint));
        }
        if (!session.awaitEnd(GRACE)) {
            LOG.warn("{} is still in use after unmounting by force; its connection is cut", mountPoint);
            abort();
            awaitAborted();
        }
    }

    private void awaitAborted() throws InterruptedException {
        if (!session.awaitEnd(ABORT_LIMIT)) {
            throw new PpiofsException(
                    ErrorKind.BUSY,
                    "umount",
                    mountPoint.toString(),
                    "is unmounted, but a request has been in the filesystem for " + ABORT_LIMIT.toSeconds()
                            + " s and has not come back");
        }
    }

    /** Fails every request, now and later, of those who still use the mount; the session's threads then end. */
    private void abort() {
        if (!Files.exists(CONNECTIONS.resolve(entry.connection())) && system.root()) {
            int errno = system.mountPlain("fusectl", CONNECTIONS);
            if (errno != 0 && errno != EBUSY) {
                LOG.warn("fusectl cannot be mounted (errno {})", errno);
            }
        }
        try {
            Files.writeString(
                    CONNECTIONS.resolve(entry.connection()).resolve("abort"),
                    "1",
                    StandardCharsets.US_ASCII,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            if (!session.hasEnded()) {
                throw new PpiofsException(
                        ErrorKind.BUSY,
                        "umount",
                        mountPoint.toString(),
                        "is detached but still in use, and the connection cannot be cut: " + e.getMessage(),
                        e);
            }
        }
    }

    @Override
    public void close() {
        unmount(true);
    }
}
