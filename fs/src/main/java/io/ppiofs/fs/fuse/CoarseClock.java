package io.ppiofs.fs.fuse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;

/**
 * The clock that Linux stamps files with ({@code CLOCK_REALTIME_COARSE}, clock_gettime(2)): it moves with the timer tick,
 * some milliseconds behind the precise one. Where the kernel keeps a file's times itself for a while (writeback cache),
 * only the same clock keeps times from going backwards. Thread-safe.
 */
public final class CoarseClock extends Clock {
    private static final int CLOCK_REALTIME_COARSE = 5;

    /** Public only because of jnr-ffi's generated code. */
    public interface Calls {
        int clock_gettime(int clock, long timespec);
    }

    /** A {@code struct timespec} of one thread. */
    private static final class Cell {
        final ByteBuffer memory = ByteBuffer.allocateDirect(2 * Long.BYTES).order(ByteOrder.nativeOrder());
        final long address;

        Cell(Calls calls) {
            address = Pointer.wrap(jnr.ffi.Runtime.getRuntime(calls), memory).address();
        }
    }

    private final Calls calls;
    private final ThreadLocal<Cell> cells;

    private CoarseClock(Calls calls) {
        this.calls = calls;
        this.cells = ThreadLocal.withInitial(() -> new Cell(calls));
    }

    /** The coarse clock on Linux, else the precise one. */
    public static Clock ofSystem() {
        return System.getProperty("os.name").equals("Linux")
                ? new CoarseClock(LibraryLoader.create(Calls.class).load("c"))
                : Clock.systemUTC();
    }

    @Override
    public Instant instant() {
        Cell c = cells.get();
        if (calls.clock_gettime(CLOCK_REALTIME_COARSE, c.address) != 0) {
            throw new IllegalStateException("CLOCK_REALTIME_COARSE is not there");
        }
        return Instant.ofEpochSecond(c.memory.getLong(0), c.memory.getLong(Long.BYTES));
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    /** File times have no zone. */
    @Override
    public Clock withZone(ZoneId zone) {
        return this;
    }
}
