package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * The request a worker has in hand: a view of its one receive buffer. Offsets count from the start of the message. Every
 * length that the message tells is checked against what was received. Belongs to its thread.
 */
final class Request {
    private final ByteBuffer in;
    private final long address;
    private int length;

    Request(Runtime runtime, int capacity) {
        in = ByteBuffer.allocateDirect(capacity).order(ByteOrder.nativeOrder());
        address = Pointer.wrap(runtime, in).address();
    }

    long address() {
        return address;
    }

    int capacity() {
        return in.capacity();
    }

    /**
     * A message of {@code received} bytes stands in the buffer.
     *
     * @return false if it is no whole message
     */
    boolean received(int received) {
        in.clear();
        length = received;
        return received >= Wire.IN_HEADER && in.getInt(Wire.IN_LENGTH) == received;
    }

    /** Adds the beginning of the message, which is answered, to the log. */
    void keepIn(AccessRing ring, long end, long nanos, int errno, int answer) {
        in.clear();
        ring.add(in, length, end, nanos, errno, answer);
    }

    int length() {
        return length;
    }

    int opcode() {
        return in.getInt(Wire.IN_OPCODE);
    }

    long unique() {
        return in.getLong(Wire.IN_UNIQUE);
    }

    long node() {
        return in.getLong(Wire.IN_NODE);
    }

    int uid() {
        return in.getInt(Wire.IN_UID);
    }

    Caller caller() {
        return caller(0);
    }

    /** @param umask not yet applied by the kernel */
    Caller caller(int umask) {
        return new Caller(
                in.getInt(Wire.IN_UID), in.getInt(Wire.IN_GID), in.getInt(Wire.IN_PID), umask & 0777, List.of());
    }

    /** Also by a supplementary group, which the protocol does not tell; /proc does while the caller waits. */
    boolean callerIsMemberOf(int gid) {
        return in.getInt(Wire.IN_GID) == gid
                || CallingThread.groups(in.getInt(Wire.IN_PID)).contains(gid);
    }

    /** {@link CallingThread#changesOwner} of the caller. */
    Optional<Boolean> callerChangesOwner() {
        return CallingThread.changesOwner(in.getInt(Wire.IN_PID));
    }

    /** Bytes of extensions at the end of the message, as it says itself. */
    int extensionsLength() {
        return Short.toUnsignedInt(in.getShort(Wire.IN_EXTENSIONS)) * Long.BYTES;
    }

    int intAt(int at) {
        require(at, Integer.BYTES);
        return in.getInt(at);
    }

    long longAt(int at) {
        require(at, Long.BYTES);
        return in.getLong(at);
    }

    private void require(int at, int bytes) {
        if (at + bytes > length) {
            throw malformed();
        }
    }

    private PpiofsException malformed() {
        return new PpiofsException(
                ErrorKind.INVALID, "fuse request", Integer.toString(opcode()), "the kernel sent too few bytes");
    }

    /** Where the NUL-terminated string at {@code at} ends. */
    int end(int at) {
        int end = at;
        while (end < length && in.get(end) != 0) {
            end++;
        }
        if (end >= length) {
            throw malformed();
        }
        return end;
    }

    byte[] string(int at) {
        byte[] bytes = new byte[end(at) - at];
        in.get(at, bytes);
        return bytes;
    }

    FileName name(int at) {
        return FileName.of(string(at));
    }

    byte[] bytes(int at, int size) {
        checkRange(at, size);
        byte[] bytes = new byte[size];
        in.get(at, bytes);
        return bytes;
    }

    private void checkRange(int at, int size) {
        if (size < 0 || size > length - at) {
            throw malformed();
        }
    }

    /** {@code size} bytes at {@code at} without a copy: the buffer itself, its position and limit set. */
    ByteBuffer data(int at, int size) {
        checkRange(at, size);
        in.limit(at + size).position(at);
        return in;
    }
}
