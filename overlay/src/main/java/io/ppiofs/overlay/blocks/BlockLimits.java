package io.ppiofs.overlay.blocks;

import java.time.Duration;

/**
 * What a server lets one peer, and all peers together, use.
 *
 * @param sendRate payload bytes a second that one peer gets at most; {@link #UNLIMITED} for no bound
 * @param receiveRate payload bytes a second that one peer may put at most
 * @param requestRate requests a second of one peer at most
 * @param requests requests of one stream under way at once; twice as many are a violation
 * @param putWindow payload bytes of one stream that may be on their way to the disk
 * @param putBuffer the same of all streams; above it blocks are answered BUSY
 * @param stall how long a block that is being put may go without {@link #MIN_PROGRESS} bytes of progress before the stream is reset
 */
public record BlockLimits(
        long sendRate, long receiveRate, int requestRate, int requests, int putWindow, long putBuffer, Duration stall) {
    /** Largest stored block, bytes: the largest block size, 4 MiB, sealed. */
    public static final int MAX_BLOCK = (4 << 20) + (64 << 10);

    /** Payload of one frame at most, bytes: PPIO's piece. */
    public static final int PIECE = 128 * 1024;

    /** CIDs of one request at most. */
    public static final int MAX_CIDS = 4096;

    /** What must arrive of a transfer within the stall time, bytes, unless less is left. */
    public static final int MIN_PROGRESS = 32 * 1024;

    public static final long UNLIMITED = Long.MAX_VALUE;

    /** No rates, 10,000 requests a second, 256 at once, 8 MiB of puts per stream and 256 MiB in all, 20 s. */
    public static final BlockLimits DEFAULT =
            new BlockLimits(UNLIMITED, UNLIMITED, 10_000, 256, 8 << 20, 256L << 20, Duration.ofSeconds(20));

    public BlockLimits {
        if (sendRate <= 0 || receiveRate <= 0 || requestRate <= 0 || requests <= 0 || putWindow < MAX_BLOCK) {
            throw new IllegalArgumentException("limits must be positive, putWindow at least " + MAX_BLOCK);
        }
    }

    public BlockLimits withSendRate(long bytesPerSecond) {
        return new BlockLimits(bytesPerSecond, receiveRate, requestRate, requests, putWindow, putBuffer, stall);
    }

    public BlockLimits withReceiveRate(long bytesPerSecond) {
        return new BlockLimits(sendRate, bytesPerSecond, requestRate, requests, putWindow, putBuffer, stall);
    }

    public BlockLimits withRequests(int perSecond, int atOnce) {
        return new BlockLimits(sendRate, receiveRate, perSecond, atOnce, putWindow, putBuffer, stall);
    }

    public BlockLimits withPutWindow(int perStream, long inAll) {
        return new BlockLimits(sendRate, receiveRate, requestRate, requests, perStream, inAll, stall);
    }

    public BlockLimits withStall(Duration value) {
        return new BlockLimits(sendRate, receiveRate, requestRate, requests, putWindow, putBuffer, value);
    }
}
