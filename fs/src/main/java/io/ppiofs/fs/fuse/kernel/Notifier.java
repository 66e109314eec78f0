package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.fs.core.FileName;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the kernel what it must not remember any longer. Belongs to its thread. */
final class Notifier {
    private static final Logger LOG = LoggerFactory.getLogger(Notifier.class);
    private static final int ENOENT = 2;
    private static final int H = Wire.OUT_HEADER;

    private final Device device;
    private final ByteBuffer out =
            ByteBuffer.allocateDirect(H + 64 + FileName.MAX_LENGTH).order(ByteOrder.nativeOrder());
    private final long address;

    Notifier(Device device) {
        this.device = device;
        this.address = Pointer.wrap(device.runtime(), out).address();
    }

    /**
     * The inode's attributes and ACLs are asked for again; its pages stay. Only for an inode with an open file: for one
     * that is being thrown out the kernel would wait, perhaps for this worker.
     */
    void attributesChanged(long ino) {
        inode(ino, -1, 0);
    }

    /** For {@link Invalidator}'s thread. */
    void forget(MountGroup.Change change) {
        if (change instanceof MountGroup.Change.Inode i) {
            inode(i.ino(), i.offset(), i.length());
        } else if (change instanceof MountGroup.Change.Entry e) {
            entry(e.parent().value(), e.name().bytes(), 0);
        } else if (change instanceof MountGroup.Change.Again a) {
            entry(a.parent().value(), a.name().bytes(), Wire.EXPIRE_ONLY);
        }
    }

    private void inode(long ino, long offset, long length) {
        out.putLong(H, ino);
        out.putLong(H + 8, offset);
        out.putLong(H + 16, length);
        send(Wire.NOTIFY_INVAL_INODE, Wire.NOTIFY_INVAL_INODE_OUT);
    }

    private void entry(long parent, byte[] name, int flags) {
        out.putLong(H, parent);
        out.putInt(H + 8, name.length);
        out.putInt(H + 12, flags);
        int at = H + Wire.NOTIFY_INVAL_ENTRY_OUT;
        out.put(at, name);
        out.put(at + name.length, (byte) 0);
        send(Wire.NOTIFY_INVAL_ENTRY, Wire.NOTIFY_INVAL_ENTRY_OUT + name.length + 1);
    }

    private void send(int code, int payload) {
        out.putInt(Wire.OUT_LENGTH, H + payload);
        out.putInt(Wire.OUT_ERROR, code);
        out.putLong(Wire.OUT_UNIQUE, 0);
        int errno = device.write(address, H + payload);
        // ENOENT: the kernel did not know it anyway
        if (errno != 0 && errno != ENOENT) {
            LOG.debug("notification {} was not taken (errno {})", code, errno);
        }
    }
}
