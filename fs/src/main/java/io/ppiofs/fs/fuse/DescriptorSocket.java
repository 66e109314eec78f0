package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import jnr.ffi.Pointer;

/**
 * A stream socket of the unix domain that carries open descriptors beside its bytes (unix(7), SCM_RIGHTS), which Java's own
 * cannot. Messages are framed: type (1 byte), length (4 bytes, big-endian), payload. Not thread-safe.
 */
public final class DescriptorSocket implements AutoCloseable {
    /** Longest payload that is received: what the kernel knows of four million inodes. */
    public static final int MAX_PAYLOAD = 64 << 20;

    /** No descriptor. */
    public static final int NONE = -1;

    private static final int EINTR = 4;
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 02000000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int SUN_PATH = 108;
    private static final int HEADER = 5;
    private static final int CHUNK = 1 << 16;

    // the memory of one call: struct iovec, struct msghdr, control data (64-bit Linux)
    private static final int IOVEC = 0;
    private static final int MSGHDR = 64;
    private static final int CONTROL = 128;
    private static final int CMSG_LENGTH = 20;
    private static final int CMSG_SPACE = 24;

    private final NativeSystem system;
    private final int socket;
    private final ByteBuffer memory = ByteBuffer.allocateDirect(CONTROL + 64).order(ByteOrder.nativeOrder());
    private final long at;
    private int received = NONE;
    private boolean closed;

    /**
     * One message.
     *
     * @param descriptor open and the receiver's now; {@link #NONE} if none came with it
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Message(int type, byte[] payload, int descriptor) {}

    private DescriptorSocket(NativeSystem system, int socket) {
        this.system = system;
        this.socket = socket;
        this.at = Pointer.wrap(system.runtime(), memory).address();
    }

    /** @param socket connected, and the returned object's */
    public static DescriptorSocket of(NativeSystem system, int socket) {
        return new DescriptorSocket(system, socket);
    }

    /** Listens for one connection, see {@link #accept}. @throws PpiofsException IO */
    public static DescriptorSocket listen(NativeSystem system, Path path) {
        return withAddress(system, path, (s, address, length) -> {
            int result = system.calls().bind(s, address, length);
            return result == 0 ? system.calls().listen(s, 1) : result;
        });
    }

    /** @throws PpiofsException IO if nobody listens there */
    public static DescriptorSocket connect(NativeSystem system, Path path) {
        return withAddress(system, path, system.calls()::connect);
    }

    private interface AddressCall {
        int run(int socket, long address, int length);
    }

    private static DescriptorSocket withAddress(NativeSystem system, Path path, AddressCall call) {
        byte[] name = path.toString().getBytes(NativeSystem.pathCharset());
        if (name.length >= SUN_PATH) {
            throw failed(path, "is too long for a socket");
        }
        int socket = system.calls().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (socket < 0) {
            throw failed(path, "no socket (errno " + system.runtime().getLastError() + ")");
        }
        Pointer address = system.allocate(Short.BYTES + SUN_PATH);
        address.putShort(0, (short) AF_UNIX);
        address.put(Short.BYTES, name, 0, name.length);
        int result = call.run(socket, address.address(), Short.BYTES + name.length + 1);
        int errno = result == 0 ? 0 : system.runtime().getLastError();
        Reference.reachabilityFence(address);
        if (errno != 0) {
            system.calls().close(socket);
            throw failed(path, "the other process cannot be reached (errno " + errno + ")");
        }
        return new DescriptorSocket(system, socket);
    }

    private static PpiofsException failed(Path path, String detail) {
        return new PpiofsException(ErrorKind.IO, "take over", path.toString(), detail);
    }

    private static PpiofsException lost(String detail) {
        return new PpiofsException(ErrorKind.NOT_CONNECTED, "take over", "the other process", detail);
    }

    /** @throws PpiofsException NOT_CONNECTED if nobody comes in time */
    public DescriptorSocket accept(Duration timeout) {
        awaitReadable(timeout);
        int connected = system.calls().accept(socket, 0, 0);
        if (connected < 0) {
            throw lost("did not connect (errno " + system.runtime().getLastError() + ")");
        }
        return new DescriptorSocket(system, connected);
    }

    private void awaitReadable(Duration timeout) {
        long giveUp = System.nanoTime() + timeout.toNanos();
        while (true) {
            memory.putInt(IOVEC, socket);
            memory.putShort(IOVEC + 4, (short) 1); // POLLIN
            memory.putShort(IOVEC + 6, (short) 0);
            long left = TimeUnit.NANOSECONDS.toMillis(giveUp - System.nanoTime());
            if (system.calls().poll(at + IOVEC, 1, (int) Math.max(0, left)) > 0) {
                return;
            }
            if (left <= 0) { // else a signal came
                throw lost("said nothing within " + timeout.toSeconds() + " s");
            }
        }
    }

    /** The process at the other end, as the kernel knows it. */
    public long peerProcess() {
        return credential(0);
    }

    /** Whether the process at the other end is of our account, or root's. */
    public boolean peerIsOurs() {
        int uid = credential(Integer.BYTES);
        return uid == 0 || uid == system.calls().geteuid();
    }

    private int credential(int field) {
        memory.putInt(IOVEC + 32, 12);
        int result = system.calls().getsockopt(socket, SOL_SOCKET, SO_PEERCRED, at + IOVEC, at + IOVEC + 32);
        if (result != 0) {
            throw lost("is not known (errno " + system.runtime().getLastError() + ")");
        }
        return memory.getInt(IOVEC + field);
    }

    /** @param descriptor goes along and stays open here; {@link #NONE} */
    public void send(int type, byte[] payload, int descriptor) {
        if (payload.length > MAX_PAYLOAD) {
            throw new PpiofsException(ErrorKind.TOO_BIG, "hand over", "mount", "more is open than can be handed over");
        }
        ByteBuffer out = ByteBuffer.allocateDirect(HEADER + payload.length);
        long address = Pointer.wrap(system.runtime(), out).address(); // of its position, which is still 0
        out.put((byte) type).putInt(payload.length).put(payload);
        int done = 0;
        while (done < out.capacity()) {
            message(address + done, out.capacity() - done, done == 0 && descriptor != NONE ? CMSG_SPACE : 0);
            if (done == 0 && descriptor != NONE) {
                memory.putLong(CONTROL, CMSG_LENGTH)
                        .putInt(CONTROL + 8, SOL_SOCKET)
                        .putInt(CONTROL + 12, SCM_RIGHTS)
                        .putInt(CONTROL + 16, descriptor);
            }
            long n = system.calls().sendmsg(socket, at + MSGHDR, MSG_NOSIGNAL);
            if (n < 0 && system.runtime().getLastError() != EINTR) {
                throw lost("has gone (errno " + system.runtime().getLastError() + ")");
            }
            done += (int) Math.max(0, n);
        }
        Reference.reachabilityFence(out);
    }

    private void message(long data, long length, long control) {
        for (int i = 0; i < 56; i += Long.BYTES) {
            memory.putLong(MSGHDR + i, 0);
        }
        memory.putLong(IOVEC, data).putLong(IOVEC + 8, length);
        memory.putLong(MSGHDR + 16, at + IOVEC).putLong(MSGHDR + 24, 1);
        memory.putLong(MSGHDR + 32, control == 0 ? 0 : at + CONTROL).putLong(MSGHDR + 40, control);
    }

    /**
     * Receives what is there, up to {@code length} bytes; a descriptor that came along is kept for {@link #takeDescriptor}.
     *
     * @return bytes, 0 at the end of the stream or when it is broken
     */
    public int receive(long address, int length) {
        while (true) {
            message(address, length, 64);
            long n = system.calls().recvmsg(socket, at + MSGHDR, MSG_CMSG_CLOEXEC);
            if (n < 0 && system.runtime().getLastError() == EINTR) {
                continue;
            }
            boolean descriptor = n > 0
                    && memory.getLong(MSGHDR + 40) >= CMSG_LENGTH
                    && memory.getInt(CONTROL + 8) == SOL_SOCKET
                    && memory.getInt(CONTROL + 12) == SCM_RIGHTS;
            if (descriptor) {
                closeReceived();
                received = memory.getInt(CONTROL + 16);
            }
            return (int) Math.max(0, n);
        }
    }

    /** The descriptor that came last, the caller's now; {@link #NONE} if none came. */
    public int takeDescriptor() {
        int descriptor = received;
        received = NONE;
        return descriptor;
    }

    private void closeReceived() {
        if (received != NONE) {
            system.calls().close(received);
            received = NONE;
        }
    }

    /** @throws PpiofsException NOT_CONNECTED if the other end has gone, or says nothing in time */
    public Message receive(Duration timeout) {
        awaitReadable(timeout);
        ByteBuffer header = fill(HEADER, timeout);
        int type = header.get(0);
        int length = header.getInt(1);
        if (length < 0 || length > MAX_PAYLOAD) {
            throw lost("speaks another language");
        }
        byte[] payload = new byte[length];
        for (int done = 0; done < length; ) {
            ByteBuffer part = fill(Math.min(CHUNK, length - done), timeout);
            part.get(payload, done, part.remaining());
            done += part.limit();
        }
        return new Message(type, payload, takeDescriptor());
    }

    private ByteBuffer fill(int length, Duration timeout) {
        ByteBuffer in = ByteBuffer.allocateDirect(length);
        long address = Pointer.wrap(system.runtime(), in).address();
        for (int done = 0; done < length; ) {
            awaitReadable(timeout);
            int n = receive(address + done, length - done);
            if (n == 0) {
                throw lost("has ended");
            }
            done += n;
        }
        return in;
    }

    /** A payload that is a sentence. */
    public static String text(Message message) {
        return new String(message.payload(), StandardCharsets.UTF_8);
    }

    /** Idempotent. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            closeReceived();
            system.calls().close(socket);
        }
    }
}
