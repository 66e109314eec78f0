package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.fuse.KernelOptions;
import io.ppiofs.fs.fuse.OpenHandles;
import io.ppiofs.fs.fuse.RequestTimes;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has each request of one worker answered exactly once: names, attributes and extended attributes by {@link
 * InodeRequests}, open files and directories by {@link FileRequests}. What is thrown becomes an errno (EIO for a defect).
 * What is not supported is ENOSYS, after which the kernel does it alone or tells its caller. Belongs to its worker.
 */
final class Dispatcher {
    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);
    private static final int EIO = 5;
    private static final int EACCES = 13;
    private static final int ENOSYS = 38;

    /** Of one inode that are looked up again: more would hold up the change. */
    private static final int MOST_NAMES = 64;

    /** What all workers of a session share. */
    record Setting(
            FileSystemCore core,
            KernelOptions options,
            Handshake.Agreed agreed,
            MountGroup group,
            Invalidator invalidator,
            RequestTimes times,
            AccessLog log) {
        /** Whether other mounts show this core, too. */
        boolean shared() {
            return group.shared();
        }

        /** Before the answer to a change, if {@link #shared}. */
        void tellOthers(MountGroup.Change... changes) {
            group.tell(invalidator, changes);
        }

        /** Before the answer to a change that this mount's kernel does not see in it: the others and this one. */
        void tellAll(MountGroup.Change... changes) {
            group.tell(null, changes);
        }

        /** For a change of owner or mode: the names that lead to the inode. */
        Stream<MountGroup.Change> namesOf(Ino ino) {
            try {
                return core.names(ino, MOST_NAMES).stream().map(n -> new MountGroup.Change.Again(n.parent(), n.name()));
            } catch (PpiofsException e) {
                LOG.debug("the names of inode {} are not known", ino.value(), e); // the change itself is done
                return Stream.empty();
            }
        }

        /** Soon, if {@link #shared}; nobody waits. */
        void tellOurselves(MountGroup.Change change) {
            invalidator.forget(List.of(change), new CountDownLatch(1));
        }
    }

    private final Request request;
    private final Reply reply;
    private final InodeRequests inodes;
    private final FileRequests files;
    private final boolean rootAndOwnerOnly;
    private final int owner;
    private final RequestTimes times;
    private final AccessRing ring;

    Dispatcher(Setting setting, OpenHandles handles, Device device, Request request) {
        this.request = request;
        this.reply = new Reply(device, setting.options().caching());
        Notifier notifier = new Notifier(device);
        this.inodes = new InodeRequests(setting, handles, request, reply);
        this.files = new FileRequests(setting, handles, notifier, request, reply);
        this.rootAndOwnerOnly = setting.options().rootAndOwnerOnly();
        this.owner = setting.options().owner();
        this.times = setting.times();
        this.ring = setting.log().ring();
    }

    /** Answers the request in hand; never throws but for what kills the thread. */
    void answer() {
        int kind = request.opcode();
        long start = System.nanoTime();
        answerNow();
        long end = System.nanoTime();
        times.record(kind, end - start);
        if (Reply.lasting(new Ino(request.node()))) { // who reads the log does not want to see that
            request.keepIn(ring, end, end - start, reply.errno(), reply.length());
        }
    }

    private void answerNow() {
        reply.begin(request.unique());
        Opcode op = Opcode.of(request.opcode());
        if (op == null) {
            LOG.debug("the kernel sent request {}, which this version does not know", request.opcode());
            reply.error(ENOSYS);
            return;
        }
        try {
            if (refused(op)) {
                reply.error(EACCES);
            } else {
                handle(op);
            }
        } catch (Exception | LinkageError | AssertionError | StackOverflowError | OutOfMemoryError t) {
            fail(op, t);
        }
    }

    /** allow_root: the kernel lets everybody in, so others are kept out here. */
    private boolean refused(Opcode op) {
        if (!rootAndOwnerOnly || request.uid() == 0 || request.uid() == owner) {
            return false;
        }
        return switch (op) {
            case FORGET, BATCH_FORGET, INTERRUPT, READ, WRITE, FSYNC, FLUSH, RELEASE, READDIR, READDIRPLUS -> false;
            case FSYNCDIR, RELEASEDIR, DESTROY -> false;
            default -> true;
        };
    }

    private void handle(Opcode op) {
        switch (op) {
            case LOOKUP -> inodes.lookup();
            case FORGET -> inodes.forget();
            case BATCH_FORGET -> inodes.batchForget();
            case GETATTR -> inodes.getattr();
            case STATX -> inodes.statx();
            case SETATTR -> inodes.setattr();
            case READLINK -> inodes.readlink();
            case SYMLINK -> inodes.symlink();
            case MKNOD -> inodes.mknod();
            case MKDIR -> inodes.mkdir();
            case UNLINK -> inodes.unlink();
            case RMDIR -> inodes.rmdir();
            case RENAME -> inodes.rename();
            case RENAME2 -> inodes.rename2();
            case LINK -> inodes.link();
            case STATFS -> inodes.statfs();
            case SETXATTR -> inodes.setxattr();
            case GETXATTR -> inodes.getxattr();
            case LISTXATTR -> inodes.listxattr();
            case REMOVEXATTR -> inodes.removexattr();
            case SYNCFS -> inodes.syncfs();
            case OPEN -> files.open();
            case CREATE -> files.create();
            case TMPFILE -> files.tmpfile();
            case READ -> files.read();
            case WRITE -> files.write();
            case FLUSH -> files.flush();
            case RELEASE -> files.release();
            case FSYNC -> files.fsync();
            case FALLOCATE -> files.fallocate();
            case LSEEK -> files.lseek();
            case COPY_FILE_RANGE -> files.copyRange(false);
            case COPY_FILE_RANGE_64 -> files.copyRange(true);
            case IOCTL -> files.ioctl();
            case OPENDIR -> files.opendir();
            case READDIR -> files.readdir();
            case READDIRPLUS -> files.readdirPlus();
            case RELEASEDIR -> files.releasedir();
            case FSYNCDIR -> files.fsyncdir();
            // Every wait here is bounded by the core, so a request is answered soon and need not be cut short; the
            // kernel
            // expects no answer to an interrupt that comes to late or is not wanted.
            case INTERRUPT, NOTIFY_REPLY -> reply.none();
            case DESTROY -> reply.ok();
            // Permissions: the kernel's (default_permissions). Locks: kept by the kernel itself, for all users of a
            // mount
            // are on this machine; it releases them on close and death. A regular file is always ready (poll). There is
            // no block device below (bmap) and no memory window (setupmapping).
            case ACCESS, GETLK, SETLK, SETLKW, POLL, BMAP, SETUPMAPPING, REMOVEMAPPING, INIT -> reply.error(ENOSYS);
        }
    }

    /** Answers with what {@code failure} maps to, unless the request has been answered. */
    private void fail(Opcode op, Throwable failure) {
        int errno = EIO;
        if (failure instanceof PpiofsException e) {
            errno = e.kind().errno();
            if (e.kind() == ErrorKind.INTERNAL) {
                LOG.error("{} failed", op.text(), e);
            } else if (errno == EIO) {
                LOG.warn("{} failed: {}", op.text(), e.getMessage(), e.getCause());
            } else {
                LOG.trace("{}: {}", op.text(), e.getMessage());
            }
        } else {
            LOG.error("{} failed by a defect; answered EIO", op.text(), failure);
        }
        boolean silent = op == Opcode.FORGET || op == Opcode.BATCH_FORGET || op == Opcode.INTERRUPT;
        if (!reply.answered() && !silent) {
            reply.error(errno);
        }
    }
}
