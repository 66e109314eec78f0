package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.SpaceInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One permanent thread of a session: receives requests, lets libfuse decode them and call back into {@link
 * KernelRequests}, and answers. libfuse's own loop would attach a fresh Java thread to every callback. Callbacks run on
 * this thread, so its memory and the state of the one request in hand need no lock.
 */
final class FuseWorker extends Thread {
    private static final Logger LOG = LoggerFactory.getLogger(FuseWorker.class);
    private static final int EINTR = -4;
    private static final int EAGAIN = -11;
    private static final int EIO = 5;

    private final NativeFuse nativeFuse;
    private final LibFuse fuse;
    private final int descriptor;
    private final long session;
    private final long chan;
    private final RequestMemory memory;
    private final Runnable onEnd;
    private final ListenerGate gate;
    private final double attrTimeout;
    private final double entryTimeout;
    private long request;
    private boolean answered;

    FuseWorker(String name, FuseSession owner, RequestMemory memory, Runnable onEnd) {
        super(name);
        setDaemon(true);
        this.nativeFuse = owner.nativeFuse();
        this.fuse = nativeFuse.fuse();
        this.descriptor = fuse.fuse_chan_fd(owner.chan());
        this.session = owner.session();
        this.chan = owner.chan();
        this.gate = owner.gate();
        this.attrTimeout = owner.caching().attrSeconds();
        this.entryTimeout = owner.caching().entrySeconds();
        this.memory = memory;
        this.onEnd = onEnd;
    }

    /** The worker that runs the calling callback. */
    static FuseWorker current() {
        return (FuseWorker) Thread.currentThread();
    }

    @Override
    public void run() {
        try {
            loop();
        } catch (Throwable t) {
            LOG.error("a thread of the mount died of a defect", t);
        } finally {
            gate.close();
            onEnd.run();
        }
    }

    private void loop() {
        ByteBuffer cell = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
        long cellAddress = memory.addressOf(cell);
        while (gate.enter()) {
            cell.putLong(0, chan);
            int length = fuse.fuse_chan_recv(cellAddress, memory.requestAddress(), memory.requestSize());
            if (gate.leave() && nativeFuse.system().readable(descriptor, cell, cellAddress)) {
                gate.wakeAnother();
            }
            if (length == EINTR || length == EAGAIN) {
                continue;
            }
            if (length <= 0) {
                if (length < 0) {
                    LOG.warn("/dev/fuse ended with errno {}", -length);
                }
                return;
            }
            fuse.fuse_session_process(session, memory.requestAddress(), length, chan);
        }
    }

    RequestMemory memory() {
        return memory;
    }

    /** The request that the following answer belongs to. */
    void begin(long req) {
        request = req;
        answered = false;
    }

    Caller caller() {
        return memory.caller(fuse.fuse_req_ctx(request));
    }

    /** Makes the kernel ask for the inode's attributes again. */
    void forgetAttributes(long ino) {
        fuse.fuse_lowlevel_notify_inval_inode(chan, ino, -1, 0);
    }

    private long answer() {
        if (answered) {
            throw new IllegalStateException("a request is answered once");
        }
        answered = true;
        return request;
    }

    void replyOk() {
        fuse.fuse_reply_err(answer(), 0);
    }

    void replyErrno(int errno) {
        fuse.fuse_reply_err(answer(), errno);
    }

    /** For forget, which has no answer; libfuse only frees the request. */
    void replyNone() {
        fuse.fuse_reply_none(answer());
    }

    /** @return false if the kernel no longer wants the answer; then it has not counted the lookup */
    boolean replyEntry(Attr attr) {
        return fuse.fuse_reply_entry(answer(), memory.entry(attr, attrTimeout, entryTimeout)) == 0;
    }

    /** @return false if the kernel no longer wants the answer; then it has neither the lookup nor the handle */
    boolean replyCreate(Attr attr, long handle) {
        long entry = memory.entry(attr, attrTimeout, entryTimeout);
        return fuse.fuse_reply_create(answer(), entry, memory.fileInfo(handle, true)) == 0;
    }

    /** @return false if the kernel no longer wants the answer; then it has no handle */
    boolean replyOpen(long handle, boolean keepCache) {
        return fuse.fuse_reply_open(answer(), memory.fileInfo(handle, keepCache)) == 0;
    }

    void replyAttr(Attr attr) {
        fuse.fuse_reply_attr(answer(), memory.stat(attr), attrTimeout);
    }

    void replyWritten(long bytes) {
        fuse.fuse_reply_write(answer(), bytes);
    }

    /** Answers with the first {@code length} bytes of the reply buffer. */
    void replyData(int length) {
        fuse.fuse_reply_buf(answer(), memory.replyAddress(), length);
    }

    void replyXattrSize(int length) {
        fuse.fuse_reply_xattr(answer(), length);
    }

    void replyStatfs(SpaceInfo space) {
        fuse.fuse_reply_statfs(answer(), memory.statvfs(space));
    }

    /** Answers with what {@code failure} maps to, unless the request has been answered; never throws. */
    void fail(String operation, Throwable failure) {
        int errno = EIO;
        if (failure instanceof PpiofsException e) {
            errno = e.kind().errno();
            if (e.kind() == ErrorKind.INTERNAL) {
                LOG.error("{} failed", operation, e);
            } else if (errno == EIO) {
                LOG.warn("{} failed: {}", operation, e.getMessage(), e.getCause());
            } else {
                LOG.trace("{}: {}", operation, e.getMessage());
            }
        } else {
            LOG.error("{} failed by a defect; answered EIO", operation, failure);
        }
        if (!answered) {
            replyErrno(errno);
        }
    }
}
