package io.ppiofs.fs.volume;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The part of a head that only readers see.
 *
 * @param treeRoot root node of the namespace, null: empty tree
 * @param clock hybrid logical time of the checkpoint, at least the version vector's highest
 * @param versions what the tree contains, per writer
 * @param journalLsn the tree holds every journal record up to and including this one of the head's writer
 * @param nextInode counters of this writer's inodes below this may have been used (36 bits)
 * @param extensions fields of later versions, text to bytes, kept when the head is rewritten; a key that begins with
 *     '!' may not be ignored by who does not know it
 */
public record HeadState(
        @Nullable BlockRef treeRoot,
        long clock,
        VersionVector versions,
        long journalLsn,
        long nextInode,
        CborMap extensions) {
    /** Bounds of the extensions. */
    public static final int MAX_EXTENSIONS = 16;

    public static final int MAX_EXTENSION_NAME = 32;
    public static final int MAX_EXTENSION_LENGTH = 256;

    /** Inode counters are 36 bits. */
    public static final long MAX_INODE_COUNTER = (1L << 36) - 1;

    public HeadState {
        if (clock < versions.latest()
                || journalLsn < 0
                || nextInode < 0
                || nextInode > MAX_INODE_COUNTER
                || !areExtensions(extensions)) {
            throw new IllegalArgumentException("head state out of range: clock " + clock + ", versions " + versions
                    + ", lsn " + journalLsn + ", next inode " + nextInode + ", " + extensions.size() + " extensions");
        }
    }

    /** The state of a volume in which nothing has been written. Inode counter 1 of slot 0 is the root directory. */
    public static HeadState empty() {
        return new HeadState(
                null, 0, VersionVector.EMPTY, 0, 2, CborMap.builder().build());
    }

    byte[] encode() {
        return CborEncoder.encode(CborMap.builder()
                .put(1, encodeRoot(treeRoot))
                .put(2, clock)
                .put(3, versions.toCbor())
                .put(4, journalLsn)
                .put(5, nextInode)
                .put(6, extensions)
                .build());
    }

    static HeadState decode(byte[] bytes) throws MalformedException {
        CborMap f = CborDecoder.decodeMap(bytes);
        f.requireFields(6);
        try {
            return new HeadState(
                    decodeRoot(f.bytesOrNull(1, BlockRef.ENCODED_LENGTH)),
                    f.uint(2, Long.MAX_VALUE),
                    VersionVector.ofCbor(f.map(3, VersionVector.MAX_WRITERS)),
                    f.uint(4, Long.MAX_VALUE),
                    f.uint(5, MAX_INODE_COUNTER),
                    f.map(6, MAX_EXTENSIONS));
        } catch (IllegalArgumentException e) {
            throw new MalformedException(e.getMessage() == null ? "a field is out of range" : e.getMessage());
        }
    }

    /** The first extension that may not be ignored, null if there is none: this version knows no extension at all. */
    @Nullable
    String criticalExtension() {
        return extensions.entries().keySet().stream()
                .map(key -> ((CborText) key).value())
                .filter(name -> name.startsWith("!"))
                .findFirst()
                .orElse(null);
    }

    private static Cbor encodeRoot(@Nullable BlockRef root) {
        if (root == null) {
            return CborSimple.NULL;
        }
        ByteBuffer out = ByteBuffer.allocate(BlockRef.ENCODED_LENGTH);
        root.writeTo(out);
        return CborBytes.of(out.array());
    }

    private static @Nullable BlockRef decodeRoot(byte @Nullable [] bytes) {
        return bytes == null ? null : BlockRef.readFrom(ByteBuffer.wrap(bytes));
    }

    private static boolean areExtensions(CborMap map) {
        return map.size() <= MAX_EXTENSIONS && map.entries().entrySet().stream().allMatch(HeadState::isExtension);
    }

    private static boolean isExtension(Map.Entry<Cbor, Cbor> e) {
        return e.getKey() instanceof CborText name
                && name.value().length() <= MAX_EXTENSION_NAME
                && e.getValue() instanceof CborBytes value
                && value.length() <= MAX_EXTENSION_LENGTH;
    }
}
