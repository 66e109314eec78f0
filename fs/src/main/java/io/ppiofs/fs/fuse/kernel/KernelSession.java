package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.fuse.KernelOptions;
import io.ppiofs.fs.fuse.ListenerGate;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.MountSession;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.fs.fuse.RequestTimes;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that serve one mount. It ends when the kernel says so (unmounted by whomever, or aborted): the last thread
 * that leaves its loop closes every descriptor of the device, gives everything the kernel still held back to the core and
 * opens the latch. Thread-safe.
 */
final class KernelSession implements MountSession {
    private static final Logger LOG = LoggerFactory.getLogger(KernelSession.class);

    private final List<Device> devices = new ArrayList<>();
    private final OpenHandles handles;
    private final RequestTimes times;
    private final AccessLog log;
    private final Runnable onEnd;
    private final AtomicInteger running;
    private final CountDownLatch ended = new CountDownLatch(1);

    private KernelSession(OpenHandles handles, RequestTimes times, AccessLog log, int threads, Runnable onEnd) {
        this.handles = handles;
        this.times = times;
        this.log = log;
        this.onEnd = onEnd;
        this.running = new AtomicInteger(threads);
    }

    /** Mounts, answers INIT and starts the threads. Nothing is left mounted if it throws. */
    static KernelSession start(
            NativeSystem system,
            FileSystemCore core,
            MountGroup group,
            Path mountPoint,
            KernelOptions kernel,
            MountOptions options) {
        Device first = new DeviceMount(system).mount(mountPoint, kernel, options.source());
        String name = threadName(mountPoint);
        Invalidator invalidator = new Invalidator(name + "-invalidator", first, kernel.writebackCache());
        try {
            group.join(invalidator, kernel.writebackCache(), mountPoint.toString());
            Handshake.Agreed agreed = Handshake.perform(first, kernel);
            Dispatcher.Setting setting = new Dispatcher.Setting(
                    core, kernel, agreed, group, invalidator, new RequestTimes(Opcode.names()), new AccessLog());
            return started(system, first, setting, name, options);
        } catch (RuntimeException | Error e) {
            group.leave(invalidator);
            invalidator.close();
            // Taken out of the tree before its descriptor goes, so that nobody meets a dead mount.
            int errno = system.detach(mountPoint);
            LOG.debug("detached after a failed start (errno {})", errno);
            first.close();
            throw e;
        }
    }

    private static KernelSession started(
            NativeSystem system, Device first, Dispatcher.Setting setting, String name, MountOptions options) {
        int threads = options.threads();
        OpenHandles handles = new OpenHandles(setting.core());
        ListenerGate gate = new ListenerGate(name + "-sentinel", threads);
        KernelSession session = new KernelSession(handles, setting.times(), setting.log(), threads, () -> {
            setting.group().leave(setting.invalidator());
            setting.invalidator().close();
        });
        session.devices.add(first);
        List<KernelWorker> workers = new ArrayList<>();
        try {
            for (int i = 0; i < threads; i++) {
                Device device = first;
                if (i > 0) {
                    device = first.cloned();
                    session.devices.add(device);
                }
                workers.add(
                        new KernelWorker(name + "-" + i, system, device, gate, setting, handles, session::workerEnded));
            }
        } catch (RuntimeException | Error e) {
            gate.close();
            session.devices.forEach(Device::close);
            throw e;
        }
        workers.forEach(Thread::start);
        return session;
    }

    private static String threadName(Path mountPoint) {
        Path last = mountPoint.getFileName();
        return "fuse-" + (last == null ? "root" : last);
    }

    private void workerEnded() {
        if (running.decrementAndGet() > 0) {
            return;
        }
        try {
            onEnd.run();
            devices.forEach(Device::close);
            handles.releaseEverything();
        } catch (RuntimeException e) {
            LOG.error("the end of a FUSE session failed", e);
        } finally {
            ended.countDown();
        }
    }

    @Override
    public List<RequestTimes.Row> requestTimes() {
        return times.rows();
    }

    @Override
    public String accessLog() {
        return log.text(Clock.systemUTC());
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
