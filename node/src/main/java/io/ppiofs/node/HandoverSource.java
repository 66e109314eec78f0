package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.DescriptorSocket;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.node.control.Failure;
import io.ppiofs.node.control.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The old process of a handover, on a thread of its own. Up to the moment when everything is closed a failure leaves the node
 * as it was; after it, a new process that does not take what it is given is ended, and this process takes it back: the
 * kernel's requests wait meanwhile. The two never serve at the same time, because the new one does not before it is told to,
 * or sees this one end.
 */
final class HandoverSource {
    private static final Logger LOG = LoggerFactory.getLogger(HandoverSource.class);

    /** For the new process to load what it needs. */
    private static final Duration START = Duration.ofSeconds(30);

    /** For a request in hand, and for other commands, to end. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** For the new process to open everything. */
    private static final Duration TAKING = Duration.ofSeconds(60);

    private final Node node;
    private final DescriptorSocket to;
    /** The other process has said that it ends by itself. */
    private boolean ends;

    private HandoverSource(Node node, DescriptorSocket to) {
        this.node = node;
        this.to = to;
    }

    static void start(Node node, Path socket) {
        DescriptorSocket to = DescriptorSocket.connect(NativeSystem.load(), socket);
        if (!to.peerIsOurs()) {
            to.close();
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "take over",
                    socket.toString(),
                    "a process of another account listens there");
        }
        Thread thread = new Thread(() -> new HandoverSource(node, to).run(), "handover");
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try (to) {
            DescriptorSocket.Message ready = to.receive(START);
            if (ready.type() != Handover.READY) {
                return;
            }
            if (!node.ending().tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw busy("is being taken over, or ends, already");
            }
            try {
                handOver();
            } finally {
                node.ending().unlock();
            }
        } catch (PpiofsException e) {
            LOG.warn("nobody takes over: {}", e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("handing over failed by a defect", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private PpiofsException busy(String detail) {
        return new PpiofsException(ErrorKind.BUSY, "take over", node.home().toString(), detail);
    }

    private void handOver() throws InterruptedException {
        Handover left;
        try {
            if (node.isClosed()) {
                throw busy("has ended");
            }
            left = leave();
        } catch (PpiofsException e) {
            LOG.warn("the mounts stay here: {}", e.getMessage());
            to.send(
                    Handover.FAILED,
                    Json.line(Failure.toMessage(e)).getBytes(StandardCharsets.UTF_8),
                    DescriptorSocket.NONE);
            return;
        }
        if (taken(left)) {
            left.close();
            node.handedOver();
            tellToGo();
        } else {
            endOther();
            node.takeBack(left);
            LOG.warn("the new process did not take over; this one goes on");
        }
    }

    private Handover leave() throws InterruptedException {
        awaitSilence();
        Mounts mounts = node.mounts();
        mounts.stop(PATIENCE);
        boolean left = false;
        boolean paused = false;
        try {
            mounts.sync(); // what it writes need not be written while the mounts stand still
            Instant since = Instant.now();
            if (!mounts.pause(PATIENCE)) {
                throw busy("a request has been in work for " + PATIENCE.toSeconds()
                        + " s, or a mount is covered by another; try again");
            }
            paused = true;
            mounts.sync();
            Handover given = node.leaveTo(to.peerProcess(), since);
            left = true;
            return given;
        } finally {
            if (!left) {
                if (paused) {
                    mounts.resume();
                }
                mounts.goOn();
            }
        }
    }

    /** A command that was being answered would lose its answer. */
    private void awaitSilence() throws InterruptedException {
        long giveUp = System.nanoTime() + PATIENCE.toNanos();
        while (node.answersOthers()) {
            if (System.nanoTime() > giveUp) {
                throw busy("its node is at work for another command; try again when that has ended");
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    private boolean taken(Handover left) {
        try {
            left.send(to);
            DescriptorSocket.Message answer = to.receive(TAKING);
            if (answer.type() == Handover.TAKEN) {
                return true;
            }
            LOG.warn("the new process cannot: {}", DescriptorSocket.text(answer));
            ends = true;
        } catch (PpiofsException e) {
            LOG.warn("the new process did not take over: {}", e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("giving the mounts away failed by a defect", e);
        }
        return false;
    }

    private void tellToGo() {
        try {
            to.send(Handover.GO, new byte[0], DescriptorSocket.NONE);
        } catch (PpiofsException e) {
            LOG.debug("the new process has gone on already", e);
        }
    }

    /** The home must be free and nobody else at the mounts. */
    private void endOther() throws InterruptedException {
        ProcessHandle other = ProcessHandle.of(to.peerProcess()).orElse(null);
        if (other == null || other.pid() == ProcessHandle.current().pid()) {
            return;
        }
        if (ends && ended(other)) {
            return;
        }
        if (!other.destroyForcibly() || !ended(other)) {
            LOG.warn("process {} does not end", other.pid());
        }
    }

    private static boolean ended(ProcessHandle other) throws InterruptedException {
        try {
            other.onExit().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (ExecutionException | TimeoutException e) {
            return !other.isAlive();
        }
    }
}
