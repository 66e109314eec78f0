package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A decoded node: its bytes as they are on disk and the offset of each entry, searched in place. Format: {@code
 * docs/formats.md}, "Tree nodes". In an index node (height ≥ 1) an entry's key is the last key of the child and its value
 * is the child's ref and entry count. Immutable, thread-safe.
 */
final class Node {
    static final int VERSION = 1;
    static final int MAX_HEIGHT = 24;
    /** A node ends as soon as {@link #rawSize} of its entries reaches this. */
    static final int SPLIT_BYTES = 48 << 10;

    static final int HEADER_BYTES = 6;
    static final int ENTRY_HEADER_BYTES = 4;
    static final int CHILD_BYTES = BlockRef.ENCODED_LENGTH + Long.BYTES;
    /** One entry of the largest size may come after {@value #SPLIT_BYTES} - 1 bytes. */
    static final int MAX_BYTES =
            HEADER_BYTES + SPLIT_BYTES + ENTRY_HEADER_BYTES + MerkleTree.MAX_KEY_LENGTH + MerkleTree.MAX_VALUE_LENGTH;

    private static final int REF_HEAP_BYTES = 240;
    private static final int NODE_HEAP_BYTES = 400;

    private final byte[] bytes;
    private final int[] offsets;
    private final int height;
    private final int prefixLength;
    private final long entries;
    /** Refs of children already asked for (index nodes); a race makes an equal one twice. */
    private final @Nullable BlockRef[] refs;

    private Node(byte[] bytes, int[] offsets, int height, int prefixLength, long entries) {
        this.bytes = bytes;
        this.offsets = offsets;
        this.height = height;
        this.prefixLength = prefixLength;
        this.entries = entries;
        this.refs = new @Nullable BlockRef[height == 0 ? 0 : offsets.length];
    }

    /** What an entry adds to the size that ends a node; independent of its neighbours, so of history. */
    static int rawSize(int keyLength, int valueLength) {
        return ENTRY_HEADER_BYTES + keyLength + valueLength;
    }

    /** @param n ≥ 1 entries with strictly ascending keys, within the limits of {@link MerkleTree} */
    static Node encode(int height, byte[][] keys, byte[][] values, int n, long entries) {
        byte[] first = keys[0];
        byte[] last = keys[n - 1];
        int mismatch = Arrays.mismatch(first, last);
        int prefix = mismatch < 0 ? first.length : mismatch;
        int size = HEADER_BYTES + prefix;
        for (int i = 0; i < n; i++) {
            size += ENTRY_HEADER_BYTES + keys[i].length - prefix + values[i].length;
        }
        ByteBuffer out = ByteBuffer.allocate(size);
        out.put((byte) VERSION).put((byte) height).putShort((short) n).putShort((short) prefix);
        out.put(first, 0, prefix);
        int[] offsets = new int[n];
        for (int i = 0; i < n; i++) {
            offsets[i] = out.position();
            out.putShort((short) (keys[i].length - prefix)).putShort((short) values[i].length);
            out.put(keys[i], prefix, keys[i].length - prefix).put(values[i]);
        }
        return new Node(out.array(), offsets, height, prefix, entries);
    }

    /**
     * Checks every length, the order of keys and that the encoding is the only one of its content.
     *
     * @param bytes kept
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    static Node decode(byte[] bytes, BlockRef ref) {
        if (bytes.length < HEADER_BYTES || bytes.length > MAX_BYTES) {
            throw corrupt(ref, "a node cannot have " + bytes.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        int version = in.get() & 0xff;
        if (version != VERSION) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read tree node",
                    ref.cid().toString(),
                    "format version " + version + " is unknown here, use a newer ppiofs");
        }
        int height = in.get() & 0xff;
        int n = in.getShort() & 0xffff;
        int prefix = in.getShort() & 0xffff;
        if (height > MAX_HEIGHT || n == 0 || prefix > MerkleTree.MAX_KEY_LENGTH || prefix > in.remaining()) {
            throw corrupt(ref, "bad header: height " + height + ", entries " + n + ", prefix " + prefix);
        }
        if (n > (bytes.length - HEADER_BYTES - prefix) / ENTRY_HEADER_BYTES) {
            throw corrupt(ref, n + " entries do not fit");
        }
        int[] offsets = new int[n];
        long entries = scan(bytes, offsets, height, prefix, ref);
        return new Node(bytes, offsets, height, prefix, entries);
    }

    /** Fills {@code offsets}; returns the number of leaf entries below. */
    private static long scan(byte[] bytes, int[] offsets, int height, int prefix, BlockRef ref) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        int at = HEADER_BYTES + prefix;
        long entries = 0;
        for (int i = 0; i < offsets.length; i++) {
            if (bytes.length - at < ENTRY_HEADER_BYTES) {
                throw corrupt(ref, "entry " + i + " is cut off");
            }
            int suffixLength = in.getShort(at) & 0xffff;
            int valueLength = in.getShort(at + 2) & 0xffff;
            int keyLength = prefix + suffixLength;
            int maxValue = height == 0 ? MerkleTree.MAX_VALUE_LENGTH : CHILD_BYTES;
            if (keyLength == 0
                    || keyLength > MerkleTree.MAX_KEY_LENGTH
                    || valueLength > maxValue
                    || (height > 0 && valueLength != CHILD_BYTES)
                    || suffixLength + valueLength > bytes.length - at - ENTRY_HEADER_BYTES) {
                throw corrupt(ref, "entry " + i + ": key of " + keyLength + ", value of " + valueLength + " bytes");
            }
            offsets[i] = at;
            if (i > 0 && compareSuffixes(bytes, offsets[i - 1], at) >= 0) {
                throw corrupt(ref, "entry " + i + " is not above the one before it");
            }
            at += ENTRY_HEADER_BYTES + suffixLength + valueLength;
            entries = height == 0 ? entries + 1 : entries + checkedChildCount(in, at, i, ref);
            if (entries < 0) {
                throw corrupt(ref, "entry counts overflow");
            }
        }
        if (at != bytes.length) {
            throw corrupt(ref, bytes.length - at + " bytes too many");
        }
        if (!prefixIsLongest(bytes, offsets)) {
            throw corrupt(ref, "the common prefix is not the longest one");
        }
        return entries;
    }

    private static long checkedChildCount(ByteBuffer in, int end, int i, BlockRef ref) {
        int length = in.getInt(end - CHILD_BYTES + 64);
        long count = in.getLong(end - Long.BYTES);
        if (length < HEADER_BYTES || length > MAX_BYTES || count <= 0) {
            throw corrupt(ref, "child " + i + " of " + length + " bytes with " + count + " entries");
        }
        return count;
    }

    private static boolean prefixIsLongest(byte[] bytes, int[] offsets) {
        int first = offsets[0];
        int last = offsets[offsets.length - 1];
        if (offsets.length == 1) {
            return shortAt(bytes, first) == 0;
        }
        return shortAt(bytes, first) == 0 || bytes[first + ENTRY_HEADER_BYTES] != bytes[last + ENTRY_HEADER_BYTES];
    }

    private static int compareSuffixes(byte[] bytes, int a, int b) {
        int fromA = a + ENTRY_HEADER_BYTES;
        int fromB = b + ENTRY_HEADER_BYTES;
        return Arrays.compareUnsigned(bytes, fromA, fromA + shortAt(bytes, a), bytes, fromB, fromB + shortAt(bytes, b));
    }

    private static PpiofsException corrupt(BlockRef ref, String detail) {
        return new PpiofsException(
                ErrorKind.CORRUPT,
                "read tree node",
                ref.cid().toString(),
                detail + "; run ppiofs fsck and restore from a snapshot");
    }

    /** 0 for a leaf. */
    int height() {
        return height;
    }

    boolean isLeaf() {
        return height == 0;
    }

    int count() {
        return offsets.length;
    }

    /** Leaf entries in this node and below. */
    long entries() {
        return entries;
    }

    /** Index of the key, or {@code -(insertion point) - 1}. Allocates nothing. */
    int search(byte[] key) {
        int common = Math.min(prefixLength, key.length);
        int c = Arrays.compareUnsigned(key, 0, common, bytes, HEADER_BYTES, HEADER_BYTES + common);
        if (c < 0 || (c == 0 && key.length < prefixLength)) {
            return -1;
        }
        if (c > 0) {
            return -offsets.length - 1;
        }
        int low = 0;
        int high = offsets.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            c = compareFromPrefix(middle, key);
            if (c == 0) {
                return middle;
            }
            if (c < 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -low - 1;
    }

    /** Index of the first entry with a key ≥ {@code key}; {@link #count} if there is none. */
    int ceiling(byte[] key) {
        int i = search(key);
        return i < 0 ? -i - 1 : i;
    }

    private int compareFromPrefix(int i, byte[] key) {
        int at = offsets[i];
        int from = at + ENTRY_HEADER_BYTES;
        return Arrays.compareUnsigned(bytes, from, from + shortAt(bytes, at), key, prefixLength, key.length);
    }

    byte[] key(int i) {
        int at = offsets[i];
        int suffix = shortAt(bytes, at);
        byte[] key = new byte[prefixLength + suffix];
        System.arraycopy(bytes, HEADER_BYTES, key, 0, prefixLength);
        System.arraycopy(bytes, at + ENTRY_HEADER_BYTES, key, prefixLength, suffix);
        return key;
    }

    byte[] value(int i) {
        int from = valueOffset(i);
        return Arrays.copyOfRange(bytes, from, from + valueLength(i));
    }

    boolean sameValue(int i, Node other, int j) {
        int a = valueOffset(i);
        int b = other.valueOffset(j);
        return Arrays.equals(bytes, a, a + valueLength(i), other.bytes, b, b + other.valueLength(j));
    }

    int keyLength(int i) {
        return prefixLength + shortAt(bytes, offsets[i]);
    }

    int valueLength(int i) {
        return shortAt(bytes, offsets[i] + 2);
    }

    private int valueOffset(int i) {
        return offsets[i] + ENTRY_HEADER_BYTES + shortAt(bytes, offsets[i]);
    }

    /** Ref of child i of an index node. */
    BlockRef child(int i) {
        BlockRef ref = refs[i];
        if (ref == null) {
            ref = BlockRef.readFrom(ByteBuffer.wrap(bytes, valueOffset(i), BlockRef.ENCODED_LENGTH));
            refs[i] = ref;
        }
        return ref;
    }

    /** Leaf entries below child i of an index node. */
    long childEntries(int i) {
        return ByteBuffer.wrap(bytes).getLong(valueOffset(i) + BlockRef.ENCODED_LENGTH);
    }

    static byte[] childValue(BlockRef ref, long entries) {
        ByteBuffer out = ByteBuffer.allocate(CHILD_BYTES);
        ref.writeTo(out);
        out.putLong(entries);
        return out.array();
    }

    static BlockRef childOf(byte[] childValue) {
        return BlockRef.readFrom(ByteBuffer.wrap(childValue));
    }

    static long entriesOf(byte[] childValue) {
        return ByteBuffer.wrap(childValue).getLong(BlockRef.ENCODED_LENGTH);
    }

    ByteBuffer plaintext() {
        return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
    }

    /** Heap that this node takes in the cache, its key included; refs counted as if all had been asked for. */
    int heapBytes() {
        return NODE_HEAP_BYTES + bytes.length + offsets.length * Integer.BYTES + refs.length * REF_HEAP_BYTES;
    }

    private static int shortAt(byte[] bytes, int at) {
        return (bytes[at] & 0xff) << 8 | (bytes[at + 1] & 0xff);
    }
}
