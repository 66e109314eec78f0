package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.fuse.KernelOptions;
import io.ppiofs.fs.fuse.ListenerGate;
import io.ppiofs.fs.fuse.MountHandover;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.MountSession;
import io.ppiofs.fs.fuse.MountTable;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.fs.fuse.OpenHandles;
import io.ppiofs.fs.fuse.RequestTimes;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that serve one mount. It ends when the kernel says so (unmounted by whomever, or aborted): the last thread
 * that leaves its loop closes every descriptor of the device, gives everything the kernel still held back to the core and
 * opens the latch. It may also pause, and then resume or be handed over. Thread-safe.
 */
final class KernelSession implements MountSession {
    private static final Logger LOG = LoggerFactory.getLogger(KernelSession.class);

    /** After so long it is looked whether somebody still waits for a request. */
    private static final long WAKE_MILLIS = 2;

    private final NativeSystem system;
    private final Dispatcher.Setting setting;
    private final MountOptions options;
    private final String name;
    private final ListenerGate gate;
    /** One per worker; the first is the one that was mounted with. */
    private final List<Device> devices = new ArrayList<>();

    private final RemountWatch remounts;
    private final OpenHandles handles;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final boolean[] working;
    private int workers;
    /** Workers that leave are not replaced. */
    private boolean paused = true;

    private boolean forGood;

    private KernelSession(
            NativeSystem system,
            Device first,
            Dispatcher.Setting setting,
            MountOptions options,
            RemountWatch remounts,
            String name) {
        this.system = system;
        this.remounts = remounts;
        this.setting = setting;
        this.options = options;
        this.name = name;
        this.handles = new OpenHandles(setting.core());
        this.working = new boolean[options.threads()];
        this.devices.add(first);
        try {
            for (int i = 1; i < options.threads(); i++) {
                devices.add(first.cloned());
            }
        } catch (RuntimeException | Error e) {
            devices.subList(1, devices.size()).forEach(Device::close);
            throw e;
        }
        this.gate = new ListenerGate(name + "-sentinel", options.threads());
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
            Dispatcher.Setting setting = setting(core, kernel, Handshake.perform(first, kernel), group, invalidator);
            RemountWatch remounts = watch(system, mountPoint, kernel, false);
            KernelSession session = new KernelSession(system, first, setting, options, remounts, name);
            session.resume();
            return session;
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

    /** Goes on with a mount, see {@link io.ppiofs.fs.fuse.FuseDriver#adopt}. Takes the descriptor if it returns. */
    static KernelSession adopt(
            NativeSystem system, FileSystemCore core, MountGroup group, KernelOptions kernel, MountHandover mount) {
        Handshake.Agreed agreed = Handshake.adopted(mount.minor(), mount.flags(), kernel);
        Device first = Device.of(system, mount.descriptor());
        String name = threadName(mount.mountPoint());
        Invalidator invalidator = new Invalidator(name + "-invalidator", first, kernel.writebackCache());
        try {
            group.join(invalidator, kernel.writebackCache(), mount.mountPoint().toString());
            Dispatcher.Setting setting = setting(core, kernel, agreed, group, invalidator);
            // fusermount3 knows fewer flags than we do: what it mounted does not tell what was asked for
            RemountWatch remounts = watch(system, mount.mountPoint(), kernel, kernel.owner() == 0);
            KernelSession session = new KernelSession(system, first, setting, mount.options(), remounts, name);
            session.handles.adopt(mount, kernel.caching());
            mount.takeDescriptor();
            return session;
        } catch (RuntimeException | Error e) {
            group.leave(invalidator);
            invalidator.close();
            throw e;
        }
    }

    private static Dispatcher.Setting setting(
            FileSystemCore core,
            KernelOptions kernel,
            Handshake.Agreed agreed,
            MountGroup group,
            Invalidator invalidator) {
        return new Dispatcher.Setting(
                core, kernel, agreed, group, invalidator, new RequestTimes(Opcode.names()), new AccessLog());
    }

    private static RemountWatch watch(NativeSystem system, Path mountPoint, KernelOptions kernel, boolean early) {
        return RemountWatch.start(
                system, mountPoint, kernel.caching().rules(), early, threadName(mountPoint) + "-remounts");
    }

    private static String threadName(Path mountPoint) {
        Path last = mountPoint.getFileName();
        return "fuse-" + (last == null ? "root" : last);
    }

    private void start(int worker) {
        working[worker] = true;
        workers++;
        new KernelWorker(
                        name + "-" + worker,
                        system,
                        devices.get(worker),
                        gate,
                        setting,
                        handles,
                        always -> left(worker, always))
                .start();
    }

    private void left(int worker, boolean always) {
        synchronized (this) {
            working[worker] = false;
            workers--;
            forGood |= always;
            notifyAll();
            if (!forGood && !paused) { // resumed since it saw that it shall leave
                start(worker);
            }
            if (!forGood || workers > 0) {
                return;
            }
        }
        end();
    }

    private void leaveGroup() {
        remounts.close();
        setting.group().leave(setting.invalidator());
        setting.invalidator().close();
    }

    private void end() {
        try {
            leaveGroup();
            devices.forEach(Device::close);
            handles.releaseEverything();
        } catch (RuntimeException e) {
            LOG.error("the end of a FUSE session failed", e);
        } finally {
            ended.countDown();
        }
    }

    @Override
    public boolean canBeHandedOver() {
        return true;
    }

    /** Who waits in the kernel for a request is woken by one, from a thread that it may hold up: nothing else wakes him. */
    @Override
    public synchronized boolean pause(Duration timeout, Runnable request) throws InterruptedException {
        long giveUp = System.nanoTime() + timeout.toNanos();
        Thread waker = null;
        paused = true;
        gate.pause();
        try {
            while (workers > 0 && !forGood && System.nanoTime() < giveUp) {
                if (gate.listened() && (waker == null || !waker.isAlive())) {
                    waker = new Thread(request, name + "-waker");
                    waker.setDaemon(true);
                    waker.start();
                }
                wait(WAKE_MILLIS);
            }
            return workers == 0 && !forGood;
        } finally {
            if (workers > 0 && !forGood) {
                resume();
            }
        }
    }

    @Override
    public synchronized void resume() {
        gate.resume();
        paused = false;
        for (int i = 0; i < working.length && !forGood; i++) {
            if (!working[i]) {
                start(i);
            }
        }
    }

    @Override
    public synchronized MountHandover handOver(Path mountPoint, MountTable.Entry entry) {
        if (!paused || workers > 0 || forGood) {
            throw new IllegalStateException("a mount must pause before it is handed over");
        }
        forGood = true;
        leaveGroup();
        gate.close();
        devices.subList(1, devices.size()).forEach(Device::close);
        MountHandover handover = MountHandover.of(
                system,
                mountPoint,
                entry,
                options,
                setting.agreed().minor(),
                setting.agreed().flags(),
                handles.rows(),
                devices.get(0).take());
        ended.countDown();
        return handover;
    }

    @Override
    public List<RequestTimes.Row> requestTimes() {
        return setting.times().rows();
    }

    @Override
    public String accessLog() {
        return setting.log().text(Clock.systemUTC());
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
