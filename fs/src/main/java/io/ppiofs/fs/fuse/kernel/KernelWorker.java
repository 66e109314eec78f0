package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.fs.fuse.ListenerGate;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.fs.fuse.OpenHandles;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One permanent thread of a session: reads a request from its own clone of the device and has it answered. A clone keeps
 * the requests in work in a queue of its own, so workers do not meet there.
 */
final class KernelWorker extends Thread {
    private static final Logger LOG = LoggerFactory.getLogger(KernelWorker.class);
    private static final int ENOENT = -2;
    private static final int EINTR = -4;
    private static final int EAGAIN = -11;
    private static final int ENODEV = -19;
    private static final int ECONNABORTED = -103;

    private final NativeSystem system;
    private final Device device;
    private final ListenerGate gate;
    private final Request request;
    private final Dispatcher dispatcher;
    private final Left onEnd;

    /** Hears of the end of the thread, on it. */
    @FunctionalInterface
    interface Left {
        /** @param forGood false if only because the session pauses */
        void left(boolean forGood);
    }

    KernelWorker(
            String name,
            NativeSystem system,
            Device device,
            ListenerGate gate,
            Dispatcher.Setting setting,
            OpenHandles handles,
            Left onEnd) {
        super(name);
        setDaemon(true);
        this.system = system;
        this.device = device;
        this.gate = gate;
        this.request = new Request(device.runtime(), Handshake.REQUEST_SIZE);
        this.dispatcher = new Dispatcher(setting, handles, device, request);
        this.onEnd = onEnd;
    }

    @Override
    public void run() {
        boolean forGood = true;
        try {
            forGood = loop();
        } catch (Throwable t) {
            LOG.error("a thread of the mount died of a defect", t);
        } finally {
            if (forGood) {
                gate.close();
            }
            onEnd.left(forGood);
        }
    }

    /** @return whether the kernel has ended the session */
    private boolean loop() {
        ByteBuffer cell = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
        long cellAddress = Pointer.wrap(device.runtime(), cell).address();
        while (gate.enter()) {
            int length = device.read(request.address(), request.capacity());
            boolean whole = length > 0 && request.received(length);
            // A forget comes with every file that goes and is done sooner than another thread wakes up.
            boolean brief = whole && request.opcode() == Opcode.FORGET.number();
            if (gate.leave() && !brief && system.readable(device.descriptor(), cell, cellAddress)) {
                gate.wakeAnother();
            }
            // ENOENT: the request was taken back before we had it
            if (length == EINTR || length == EAGAIN || length == ENOENT) {
                continue;
            }
            if (length < 0) {
                if (length != ENODEV && length != ECONNABORTED) {
                    LOG.warn("/dev/fuse ended with errno {}", -length);
                }
                return true;
            }
            if (whole) {
                dispatcher.answer();
            } else {
                LOG.error("the kernel sent {} bytes that are no request", length);
            }
        }
        return gate.closed();
    }
}
