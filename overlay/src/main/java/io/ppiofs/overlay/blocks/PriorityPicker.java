package io.ppiofs.overlay.blocks;

/**
 * Which priority is next: the highest that has work, except that one that was passed over often enough gets its turn. Used
 * under the owner's lock.
 */
final class PriorityPicker {
    /** Turns of higher priorities after which one of this priority comes: 1 of 9, 17, 33. */
    private static final int[] PATIENCE = {0, 8, 16, 32};

    private static final Priority[] ALL = Priority.values();

    private final int[] passed = new int[ALL.length];

    /** @param mask bit i is set where priority i has work; not 0 */
    Priority pick(int mask) {
        int chosen = Integer.numberOfTrailingZeros(mask);
        for (int i = ALL.length - 1; i > chosen; i--) {
            if ((mask & 1 << i) != 0 && passed[i] >= PATIENCE[i]) {
                chosen = i;
            }
        }
        for (int i = chosen + 1; i < ALL.length; i++) {
            if ((mask & 1 << i) != 0) {
                passed[i]++;
            }
        }
        passed[chosen] = 0;
        return ALL[chosen];
    }
}
