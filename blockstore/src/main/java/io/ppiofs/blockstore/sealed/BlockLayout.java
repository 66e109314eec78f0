package io.ppiofs.blockstore.sealed;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Where the frames of one block lie in its stored form. For a block without compression this is arithmetic; else it is
 * the opened table, whose every entry has been checked against the bounds.
 *
 * @param header the block's header, additional data of its frames
 * @param table cumulative ends relative to the first frame with the compressed bit; null: all frames are raw
 */
record BlockLayout(byte[] header, int length, int @Nullable [] table) {
    static BlockLayout raw(byte[] header, int length) {
        return new BlockLayout(header, length, null);
    }

    /** @return null if the entries cannot be what a sealer wrote */
    static @Nullable BlockLayout compressed(byte[] header, int length, byte[] opened) {
        int frames = StoredForm.frames(length);
        int[] table = new int[frames];
        ByteBuffer entries = ByteBuffer.wrap(opened);
        int before = 0;
        for (int i = 0; i < frames; i++) {
            table[i] = entries.getInt();
            int stored = (table[i] & ~StoredForm.COMPRESSED) - before - StoredForm.TAG;
            int plain = StoredForm.frameLength(length, i);
            boolean fits = table[i] < 0 ? stored > 0 && stored < plain : stored == plain;
            if (!fits) {
                return null;
            }
            before = table[i] & ~StoredForm.COMPRESSED;
        }
        return new BlockLayout(header, length, table);
    }

    /** Offset of frame {@code index} in the stored form. */
    int start(int index) {
        if (table == null) {
            return StoredForm.HEADER_LENGTH + index * (StoredForm.FRAME + StoredForm.TAG);
        }
        int first = StoredForm.HEADER_LENGTH + StoredForm.tableLength(table.length) + StoredForm.TAG;
        return index == 0 ? first : first + (table[index - 1] & ~StoredForm.COMPRESSED);
    }

    /** Offset behind frame {@code index}, its tag included. */
    int end(int index) {
        if (table == null) {
            return start(index) + StoredForm.frameLength(length, index) + StoredForm.TAG;
        }
        int first = StoredForm.HEADER_LENGTH + StoredForm.tableLength(table.length) + StoredForm.TAG;
        return first + (table[index] & ~StoredForm.COMPRESSED);
    }

    boolean compressed(int index) {
        return table != null && table[index] < 0;
    }

    boolean last(int index) {
        return index == StoredForm.frames(length) - 1;
    }

    /** Heap bytes, roughly, for the cache's budget. */
    int weight() {
        return 96 + (table == null ? 0 : table.length * 4);
    }
}
