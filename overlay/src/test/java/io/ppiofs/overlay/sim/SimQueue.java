package io.ppiofs.overlay.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Events in the order of their time, then of their making: a calendar of slots of a millisecond, because ten thousand hosts
 * with a timer for each request make a heap too slow. Only the slot that is being worked off is sorted; what lies beyond the
 * calendar waits in a heap.
 */
final class SimQueue {
    /** Nanoseconds of a slot, as a power of two: about a millisecond. */
    private static final int SLOT_BITS = 20;

    /** Slots of the calendar, a power of two: about 17 seconds, more than most timeouts. */
    private static final int SLOTS = 1 << 14;

    /** Cancelled events are swept out of the heap whenever it has grown by this and to the double. */
    private static final int SWEEP = 10_000;

    private final List<@Nullable List<SimEvent>> slots = new ArrayList<>(java.util.Collections.nCopies(SLOTS, null));
    private final BitSet filled = new BitSet(SLOTS);
    private final PriorityQueue<SimEvent> current = new PriorityQueue<>();
    private final PriorityQueue<SimEvent> far = new PriorityQueue<>();
    private final ArrayDeque<SimEvent> due = new ArrayDeque<>();
    private long slot;
    private int sweepAt = SWEEP;

    /** @param now whether it happens at the present time: after all that is due, before all that is later */
    void add(SimEvent event, boolean now) {
        if (now) {
            due.add(event);
            return;
        }
        long at = event.at >>> SLOT_BITS;
        if (at <= slot) {
            current.add(event);
        } else if (at < slot + SLOTS) {
            int index = (int) at & SLOTS - 1;
            List<SimEvent> events = slots.get(index);
            if (events == null) {
                events = new ArrayList<>();
                slots.set(index, events);
            }
            events.add(event);
            filled.set(index);
        } else {
            far.add(event);
            if (far.size() > sweepAt) {
                far.removeIf(SimEvent::cancelled);
                sweepAt = 2 * far.size() + SWEEP;
            }
        }
    }

    /** Takes the next event if its time is at most {@code end}. */
    @Nullable
    SimEvent next(long end) {
        while (current.isEmpty() && turn(due.isEmpty() ? end : Math.min(end, due.element().at))) {
            // the next slot may have nothing but cancelled events
        }
        SimEvent soon = due.peek();
        SimEvent later = current.peek();
        if (soon != null && (later == null || soon.compareTo(later) < 0)) {
            return soon.at <= end ? due.poll() : null;
        }
        return later != null && later.at <= end ? current.poll() : null;
    }

    /** Begins with the next slot that has events, if it begins by {@code end}. */
    private boolean turn(long end) {
        long next = Math.min(nextFilled(), far.isEmpty() ? Long.MAX_VALUE : far.element().at >>> SLOT_BITS);
        if (next == Long.MAX_VALUE || next << SLOT_BITS > end) {
            return false;
        }
        slot = next;
        int index = (int) next & SLOTS - 1;
        List<SimEvent> events = slots.get(index);
        if (events != null && filled.get(index)) {
            for (SimEvent event : events) {
                if (!event.cancelled()) {
                    current.add(event);
                }
            }
            slots.set(index, null);
            filled.clear(index);
        }
        while (!far.isEmpty() && far.element().at >>> SLOT_BITS == next) {
            current.add(far.remove());
        }
        return true;
    }

    private long nextFilled() {
        int here = (int) slot & SLOTS - 1;
        int found = filled.nextSetBit(here);
        if (found < 0) {
            found = filled.nextSetBit(0);
        }
        return found < 0 ? Long.MAX_VALUE : slot + (found - here & SLOTS - 1);
    }
}
