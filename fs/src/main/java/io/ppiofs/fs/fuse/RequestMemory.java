package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.SpaceInfo;
import io.ppiofs.fs.core.Timestamp;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * The native memory of one worker thread, allocated once: the buffer a request is received into, the buffer data
 * replies are built in, and one block of structures. Strings and data of a request are views of the first, found by
 * their address; nothing native is allocated per request. Not thread-safe: belongs to its thread.
 */
final class RequestMemory {
    /** Above this a read is refused; kernels ask for 128 KiB of this driver. */
    private static final int LARGEST_REPLY = 4 << 20;

    private final Runtime runtime;
    private final FuseLayout layout;
    private final ByteBuffer request;
    private final long requestAddress;
    private ByteBuffer reply;
    private long replyAddress;
    private final ByteBuffer structs;
    private final long structsAddress;
    private final int fileInfoAt;

    RequestMemory(Runtime runtime, FuseLayout layout, int requestSize) {
        this.runtime = runtime;
        this.layout = layout;
        this.request = allocate(requestSize);
        this.requestAddress = addressOf(request);
        this.reply = allocate(requestSize);
        this.replyAddress = addressOf(reply);
        this.fileInfoAt = 256;
        this.structs = allocate(512);
        this.structsAddress = addressOf(structs);
    }

    private static ByteBuffer allocate(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    }

    long addressOf(ByteBuffer direct) {
        return Pointer.wrap(runtime, direct).address();
    }

    long requestAddress() {
        return requestAddress;
    }

    int requestSize() {
        return request.capacity();
    }

    /** The data reply buffer, cleared, with room for {@code size} bytes. */
    ByteBuffer reply(int size) {
        if (size > reply.capacity()) {
            if (size > LARGEST_REPLY) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "fuse request", Integer.toString(size), "the answer would be too large");
            }
            reply = allocate(size);
            replyAddress = addressOf(reply);
        }
        reply.clear().limit(size);
        return reply;
    }

    long replyAddress() {
        return replyAddress;
    }

    /** {@code length} bytes of the request as a buffer: no copy, valid until the request is answered. */
    ByteBuffer view(long address, long length) {
        long from = address - requestAddress;
        if (from < 0 || length < 0 || from + length > request.capacity()) {
            throw new IllegalStateException("libfuse passed memory outside the request");
        }
        return request.slice((int) from, (int) length).order(ByteOrder.nativeOrder());
    }

    /** A NUL-terminated string of the request. */
    byte[] string(long address) {
        long from = address - requestAddress;
        if (from < 0 || from >= request.capacity()) {
            throw new IllegalStateException("libfuse passed a string outside the request");
        }
        int end = (int) from;
        while (request.get(end) != 0) {
            end++;
        }
        byte[] bytes = new byte[end - (int) from];
        request.get((int) from, bytes);
        return bytes;
    }

    FileName name(long address) {
        return FileName.of(string(address));
    }

    Pointer at(long address) {
        return Pointer.wrap(runtime, address);
    }

    Caller caller(long ctxAddress) {
        Pointer ctx = at(ctxAddress);
        return new Caller(
                ctx.getInt(FuseLayout.CTX_UID), ctx.getInt(FuseLayout.CTX_GID), ctx.getInt(FuseLayout.CTX_PID));
    }

    /** Writes {@code struct stat} and returns its address. */
    long stat(Attr a) {
        putStat(0, a);
        return structsAddress;
    }

    /** Writes {@code struct fuse_entry_param} and returns its address. */
    long entry(Attr a, double attrTimeout, double entryTimeout) {
        structs.putLong(FuseLayout.ENTRY_INO, a.ino().value());
        // Inode numbers are never reused, so one generation is enough.
        structs.putLong(FuseLayout.ENTRY_GENERATION, 0);
        putStat(FuseLayout.ENTRY_ATTR, a);
        structs.putDouble(layout.entryAttrTimeout, attrTimeout);
        structs.putDouble(layout.entryTimeout, entryTimeout);
        return structsAddress;
    }

    private void putStat(int base, Attr a) {
        layout.ino.put(structs, base, a.ino().value());
        layout.mode.put(structs, base, a.mode());
        layout.nlink.put(structs, base, a.nlink());
        layout.uid.put(structs, base, a.uid());
        layout.gid.put(structs, base, a.gid());
        layout.rdev.put(structs, base, Integer.toUnsignedLong(a.rdev()));
        layout.size.put(structs, base, a.size());
        layout.blockSize.put(structs, base, 4096);
        layout.blocks.put(structs, base, a.blocks());
        putTime(base, layout.atimeSeconds, layout.atimeNanos, a.atime());
        putTime(base, layout.mtimeSeconds, layout.mtimeNanos, a.mtime());
        putTime(base, layout.ctimeSeconds, layout.ctimeNanos, a.ctime());
    }

    private void putTime(int base, FuseLayout.Field seconds, FuseLayout.Field nanos, Timestamp t) {
        seconds.put(structs, base, t.seconds());
        nanos.put(structs, base, t.nanos());
    }

    /** Writes {@code struct fuse_file_info} for the answer to open, opendir or create; returns its address. */
    long fileInfo(long handle, boolean keepCache) {
        for (int i = 0; i < FuseLayout.FILE_SIZE; i += Long.BYTES) {
            structs.putLong(fileInfoAt + i, 0);
        }
        structs.putInt(fileInfoAt + FuseLayout.FILE_BITS, keepCache ? FuseLayout.FILE_KEEP_CACHE : 0);
        structs.putLong(fileInfoAt + FuseLayout.FILE_FH, handle);
        return structsAddress + fileInfoAt;
    }

    /** Writes {@code struct statvfs} and returns its address. */
    long statvfs(SpaceInfo space) {
        for (int i = 0; i < layout.statvfsSize; i++) {
            structs.put(i, (byte) 0);
        }
        long unit = space.blockSize();
        layout.vfsBlockSize.put(structs, 0, unit);
        layout.vfsFragmentSize.put(structs, 0, unit);
        layout.vfsBlocks.put(structs, 0, space.totalBytes() / unit);
        layout.vfsFree.put(structs, 0, space.freeBytes() / unit);
        layout.vfsAvailable.put(structs, 0, space.availableBytes() / unit);
        // Inodes are not a resource of their own: as many fit as there are free blocks.
        long free = space.availableBytes() / unit;
        layout.vfsFiles.put(structs, 0, space.files() + free);
        layout.vfsFilesFree.put(structs, 0, free);
        layout.vfsFilesAvailable.put(structs, 0, free);
        layout.vfsNameMax.put(structs, 0, FileName.MAX_LENGTH);
        return structsAddress;
    }
}
