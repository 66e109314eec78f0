package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * File handles: a number for the kernel, the open object for us. Numbers are reused after {@link #remove}. Thread-safe;
 * {@link #get} takes no lock and allocates nothing.
 */
public final class HandleTable<T> {
    /** Highest number that {@link #restore} takes: no process has more files open. */
    public static final int MAX_RESTORED = 1 << 24;

    private static final int FIRST_CAPACITY = 64;

    private final Class<T> type;
    private volatile AtomicReferenceArray<@Nullable Object> slots = new AtomicReferenceArray<>(FIRST_CAPACITY);
    private int[] free = new int[FIRST_CAPACITY];
    private int freeCount;
    private int used;

    public HandleTable(Class<T> type) {
        this.type = type;
    }

    public synchronized long add(T open) {
        int slot = freeCount > 0 ? free[--freeCount] : used++;
        if (slot >= slots.length()) {
            grow();
        }
        slots.set(slot, open);
        return slot;
    }

    private void grow() {
        AtomicReferenceArray<@Nullable Object> old = slots;
        AtomicReferenceArray<@Nullable Object> larger = new AtomicReferenceArray<>(old.length() * 2);
        for (int i = 0; i < old.length(); i++) {
            larger.setPlain(i, old.get(i));
        }
        slots = larger;
    }

    /** @throws PpiofsException BAD_HANDLE for a number that was never given out or was taken back */
    public T get(long handle) {
        AtomicReferenceArray<@Nullable Object> now = slots;
        if (handle >= 0 && handle < now.length()) {
            Object open = now.get((int) handle);
            if (open != null) {
                return type.cast(open);
            }
        }
        throw PpiofsException.expected(ErrorKind.BAD_HANDLE, "file handle", Long.toString(handle));
    }

    public synchronized T remove(long handle) {
        T open = get(handle);
        slots.set((int) handle, null);
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, free.length * 2);
        }
        free[freeCount++] = (int) handle;
        return open;
    }

    /** Whether one that is open answers to this; looks at all of them. */
    public boolean any(Predicate<T> wanted) {
        return first((handle, open) -> wanted.test(open));
    }

    /** Shows all that are open, with their numbers. */
    public void forEach(BiConsumer<Long, T> visitor) {
        first((handle, open) -> {
            visitor.accept(handle, open);
            return false;
        });
    }

    private boolean first(BiPredicate<Long, T> wanted) {
        AtomicReferenceArray<@Nullable Object> now = slots;
        for (int i = 0; i < now.length(); i++) {
            Object open = now.get(i);
            if (open != null && wanted.test((long) i, type.cast(open))) {
                return true;
            }
        }
        return false;
    }

    /**
     * Fills an empty table with what another one gave out.
     *
     * @param open by number, each from 0 to {@link #MAX_RESTORED}
     * @param lost numbers, in the same range, that somebody still has for what is not open any more: never given out again, for their
     *     owners would reach what others opened
     */
    public synchronized void restore(Map<Long, T> open, Set<Long> lost) {
        for (Map.Entry<Long, T> e : open.entrySet()) {
            int slot = Math.toIntExact(e.getKey());
            while (slot >= slots.length()) {
                grow();
            }
            slots.set(slot, e.getValue());
            used = Math.max(used, slot + 1);
        }
        for (long number : lost) {
            used = Math.max(used, Math.toIntExact(number) + 1);
        }
        while (used > slots.length()) {
            grow();
        }
        free = new int[Math.max(FIRST_CAPACITY, used)];
        freeCount = 0;
        for (int i = 0; i < used; i++) {
            if (slots.get(i) == null && !lost.contains((long) i)) {
                free[freeCount++] = i;
            }
        }
    }

    /** Takes everything back that is still open. */
    public synchronized List<T> drain() {
        List<T> open = new ArrayList<>();
        for (int i = 0; i < used; i++) {
            Object o = slots.getAndSet(i, null);
            if (o != null) {
                open.add(type.cast(o));
            }
        }
        used = 0;
        freeCount = 0;
        return open;
    }
}
