package io.ppiofs.fs.fuse.kernel;

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
    private final ByteBuffer out = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
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
        out.putInt(Wire.OUT_LENGTH, H + Wire.NOTIFY_INVAL_INODE_OUT);
        out.putInt(Wire.OUT_ERROR, Wire.NOTIFY_INVAL_INODE);
        out.putLong(Wire.OUT_UNIQUE, 0);
        out.putLong(H, ino);
        out.putLong(H + 8, -1); // no pages
        out.putLong(H + 16, 0);
        int errno = device.write(address, H + Wire.NOTIFY_INVAL_INODE_OUT);
        if (errno != 0 && errno != ENOENT) {
            LOG.debug("inode {} could not be invalidated (errno {})", ino, errno);
        }
    }
}
