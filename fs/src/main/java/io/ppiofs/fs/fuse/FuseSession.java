package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A libfuse session on permanent Java threads. It ends when the kernel says so (unmounted by whomever, or aborted): the
 * last thread that leaves its loop closes /dev/fuse, gives everything the kernel still held back to the core and opens
 * the latch. Thread-safe.
 */
final class FuseSession implements MountSession {
    private static final Logger LOG = LoggerFactory.getLogger(FuseSession.class);

    private final NativeFuse nativeFuse;
    private final String name;
    private final long session;
    private final long chan;
    private final Caching caching;
    private final KernelRequests requests;
    private final Pointer operations;
    private final List<FuseWorker> workers = new ArrayList<>();
    private final ListenerGate gate;
    private final AtomicInteger running;
    private final CountDownLatch ended = new CountDownLatch(1);

    private FuseSession(
            NativeFuse nativeFuse,
            long session,
            long chan,
            Caching caching,
            KernelRequests requests,
            Pointer operations,
            String name,
            int threads) {
        this.nativeFuse = nativeFuse;
        this.session = session;
        this.chan = chan;
        this.caching = caching;
        this.requests = requests;
        this.operations = operations;
        this.name = name;
        this.gate = new ListenerGate(name + "-sentinel", threads);
        this.running = new AtomicInteger(threads);
    }

    /**
     * Mounts and starts the threads.
     *
     * @throws PpiofsException if libfuse or the kernel refuses; nothing is left mounted then
     */
    static FuseSession start(
            NativeFuse n, FileSystemCore core, Path mountPoint, KernelOptions options, String source, int threads) {
        KernelRequests requests = new KernelRequests(core, n.layout(), n.fuse(), options.caching());
        Pointer operations = n.system().allocate(LowLevelOp.TABLE_SIZE);
        requests.register(n.runtime(), operations);
        try (NativeFuse.Arguments arguments = n.new Arguments(options.arguments(source))) {
            long chan = n.mount(mountPoint, arguments);
            if (chan == 0) {
                throw refused(n, mountPoint);
            }
            long session =
                    n.fuse().fuse_lowlevel_new(arguments.address(), operations.address(), LowLevelOp.TABLE_SIZE, 0);
            if (session == 0) {
                n.unmountChannel(mountPoint, chan);
                throw new PpiofsException(
                        ErrorKind.INTERNAL,
                        "mount",
                        mountPoint.toString(),
                        "libfuse refused its options, see its message on standard error");
            }
            n.fuse().fuse_session_add_chan(session, chan);
            FuseSession s = new FuseSession(
                    n, session, chan, options.caching(), requests, operations, threadName(mountPoint), threads);
            s.startWorkers(threads);
            return s;
        }
    }

    private static PpiofsException refused(NativeFuse n, Path mountPoint) {
        String hint = n.system().root()
                ? "the kernel refused the mount, see libfuse's message on standard error; are we in a container without"
                        + " CAP_SYS_ADMIN?"
                : "fusermount refused the mount, see its message on standard error; allow_other needs user_allow_other in"
                        + " /etc/fuse.conf";
        return new PpiofsException(ErrorKind.NOT_PERMITTED, "mount", mountPoint.toString(), hint);
    }

    private static String threadName(Path mountPoint) {
        Path last = mountPoint.getFileName();
        return "fuse-" + (last == null ? "root" : last);
    }

    private void startWorkers(int threads) {
        int size = Math.toIntExact(nativeFuse.fuse().fuse_chan_bufsize(chan));
        for (int i = 0; i < threads; i++) {
            RequestMemory memory = new RequestMemory(nativeFuse.runtime(), nativeFuse.layout(), size);
            workers.add(new FuseWorker(name + "-" + i, this, memory, this::workerEnded));
        }
        workers.forEach(Thread::start);
    }

    private void workerEnded() {
        if (running.decrementAndGet() > 0) {
            return;
        }
        try {
            nativeFuse.fuse().fuse_session_destroy(session);
            requests.releaseEverything();
            Reference.reachabilityFence(operations);
        } catch (RuntimeException e) {
            LOG.error("the end of a FUSE session failed", e);
        } finally {
            ended.countDown();
        }
    }

    NativeFuse nativeFuse() {
        return nativeFuse;
    }

    ListenerGate gate() {
        return gate;
    }

    long session() {
        return session;
    }

    long chan() {
        return chan;
    }

    Caching caching() {
        return caching;
    }

    @Override
    public boolean hasEnded() {
        return ended.getCount() == 0;
    }

    @Override
    public void awaitEnd() throws InterruptedException {
        ended.await();
    }

    @Override
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return ended.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }
}
