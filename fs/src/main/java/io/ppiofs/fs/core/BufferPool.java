package io.ppiofs.fs.core;

import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Block-sized arrays for reuse: a sequential writer would otherwise allocate its whole throughput. Arrays of another
 * size are left to the collector. Thread-safe. Whoever gives an array back must hold no reference to it any more.
 */
final class BufferPool {
    private final ArrayBlockingQueue<byte[]> free;
    private final int size;

    BufferPool(int size, int most) {
        this.size = size;
        this.free = new ArrayBlockingQueue<>(most);
    }

    byte[] take() {
        byte @Nullable [] b = free.poll();
        return b != null ? b : new byte[size];
    }

    void give(byte[] b) {
        if (b.length == size) {
            free.offer(b);
        }
    }
}
