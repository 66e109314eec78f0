package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.KernelOptions;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * INIT: agrees on the smaller minor version and on those flags that both sides know; what the kernel offers and this
 * driver does not know is refused by not naming it. Versions from 7.31 on (Linux 5.4) are spoken.
 */
final class Handshake {
    private static final Logger LOG = LoggerFactory.getLogger(Handshake.class);

    /** Of a read or a write: what the kernel allows by default (fs/fuse: FUSE_DEFAULT_MAX_PAGES_LIMIT). */
    static final int MAX_TRANSFER = 1 << 20;

    /** Room for a write of {@link #MAX_TRANSFER} with its headers, and for what comes beside it. */
    static final int REQUEST_SIZE = MAX_TRANSFER + 4096;

    private static final int PAGE = 4096;
    private static final int EPROTO = 71;
    private static final int EINTR = -4;
    private static final int EAGAIN = -11;

    private static final long EXTENSIONS = Wire.SECURITY_CTX | Wire.CREATE_SUPP_GROUP;

    private static final long ALWAYS = Wire.ASYNC_READ
            | Wire.ATOMIC_O_TRUNC
            | Wire.EXPORT_SUPPORT
            | Wire.BIG_WRITES
            | Wire.DONT_MASK
            | Wire.DO_READDIRPLUS
            | Wire.READDIRPLUS_AUTO
            | Wire.ASYNC_DIO
            | Wire.PARALLEL_DIROPS
            | Wire.POSIX_ACL
            | Wire.ABORT_ERROR
            | Wire.MAX_PAGES
            | Wire.CACHE_SYMLINKS
            | Wire.HANDLE_KILLPRIV_V2
            | Wire.SETXATTR_EXT
            | Wire.INIT_EXT
            | EXTENSIONS;

    private Handshake() {}

    /**
     * What was agreed.
     *
     * @param flags of both sides
     */
    record Agreed(int minor, long flags) {
        boolean has(long flag) {
            return (flags & flag) != 0;
        }
    }

    /** Reads INIT and answers it. @throws PpiofsException NOT_SUPPORTED for a kernel that is too old, IO */
    static Agreed perform(Device device, KernelOptions options) {
        Request request = new Request(device.runtime(), REQUEST_SIZE);
        Reply reply = new Reply(device, options.caching());
        while (true) {
            int n = device.read(request.address(), request.capacity());
            if (n == EINTR || n == EAGAIN) {
                continue;
            }
            if (n < 0 || !request.received(n)) {
                throw new PpiofsException(
                        ErrorKind.IO, "mount", Device.PATH.toString(), "the kernel ended the mount (errno " + -n + ")");
            }
            reply.begin(request.unique());
            if (Opcode.of(request.opcode()) != Opcode.INIT) {
                reply.error(EPROTO);
                continue;
            }
            int major = request.intAt(Wire.INIT_MAJOR);
            if (major > Wire.MAJOR) {
                // The kernel asks again with ours.
                ByteBuffer out = reply.payload(Wire.INIT_OUT);
                zero(out);
                out.putInt(Wire.OUT_HEADER + Wire.INIT_OUT_MAJOR, Wire.MAJOR);
                reply.send(Wire.INIT_OUT);
                continue;
            }
            return answer(request, reply, options);
        }
    }

    private static void zero(ByteBuffer out) {
        for (int i = 0; i < Wire.INIT_OUT; i += Long.BYTES) {
            out.putLong(Wire.OUT_HEADER + i, 0);
        }
    }

    private static Agreed answer(Request request, Reply reply, KernelOptions options) {
        int minor = request.intAt(Wire.INIT_MINOR);
        if (request.intAt(Wire.INIT_MAJOR) < Wire.MAJOR || minor < Wire.OLDEST_MINOR) {
            reply.error(EPROTO);
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "mount",
                    "FUSE 7." + minor,
                    "this kernel is too old (Linux 5.4 speaks 7.31); mount with -o driver=jnr");
        }
        long offered = Integer.toUnsignedLong(request.intAt(Wire.INIT_FLAGS));
        if ((offered & Wire.INIT_EXT) != 0) {
            offered |= (long) request.intAt(Wire.INIT_FLAGS2) << 32;
        }
        int agreedMinor = Math.min(minor, Wire.NEWEST_MINOR);
        long flags = offered & wanted(options);
        if (agreedMinor < Wire.EXTENSIONS_SINCE) {
            flags &= ~EXTENSIONS; // where they begin is told since then only
        }
        ByteBuffer out = reply.payload(Wire.INIT_OUT);
        zero(out);
        int h = Wire.OUT_HEADER;
        out.putInt(h + Wire.INIT_OUT_MAJOR, Wire.MAJOR);
        out.putInt(h + Wire.INIT_OUT_MINOR, agreedMinor);
        out.putInt(h + Wire.INIT_OUT_MAX_READAHEAD, (int) options.maxReadahead());
        out.putInt(h + Wire.INIT_OUT_FLAGS, (int) flags);
        out.putShort(h + Wire.INIT_OUT_MAX_BACKGROUND, (short) options.maxBackground());
        out.putShort(h + Wire.INIT_OUT_CONGESTION, (short) Math.max(1, options.maxBackground() * 3 / 4));
        out.putInt(h + Wire.INIT_OUT_MAX_WRITE, MAX_TRANSFER);
        out.putInt(h + Wire.INIT_OUT_TIME_GRANULARITY, 1);
        out.putShort(h + Wire.INIT_OUT_MAX_PAGES, (short) (MAX_TRANSFER / PAGE));
        out.putInt(h + Wire.INIT_OUT_FLAGS2, (int) (flags >>> 32));
        reply.send(Wire.INIT_OUT);
        LOG.debug("the kernel speaks FUSE 7.{}; agreed on 7.{}, flags {}", minor, agreedMinor, Long.toHexString(flags));
        return new Agreed(agreedMinor, flags);
    }

    /**
     * What another process has agreed on.
     *
     * @throws PpiofsException NOT_SUPPORTED if this version would not have
     */
    static Agreed adopted(int minor, long flags, KernelOptions options) {
        if (minor < Wire.OLDEST_MINOR || minor > Wire.NEWEST_MINOR || (flags & ~wanted(options)) != 0) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "take over",
                    "FUSE 7." + minor,
                    "was agreed with the kernel in a way that this version does not know; unmount and mount again");
        }
        return new Agreed(minor, flags);
    }

    private static long wanted(KernelOptions options) {
        long flags = ALWAYS;
        if (options.writebackCache()) {
            flags |= Wire.WRITEBACK_CACHE;
        } else if (options.caching().attrSeconds() == 0 || !options.caching().keepsPages()) {
            // Somebody else changes the files, too: pages go when the modification time says so.
            flags |= Wire.AUTO_INVAL_DATA;
        }
        return flags;
    }
}
