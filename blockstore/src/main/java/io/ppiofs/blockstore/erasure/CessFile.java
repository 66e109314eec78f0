package io.ppiofs.blockstore.erasure;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A file as CESS stores it: cut into segments of 32 MiB, the last one filled with zeros; each segment coded into 12 fragments of 8 MiB of which any
 * 4 restore it; each named by its SHA-256; the file by a hash tree over its segments (CESS {@code core/process}, {@code
 * core/erasure}, {@code core/hashtree}).
 *
 * @param fid the file's name: 64 hexadecimal digits
 * @param size bytes of the file
 */
public record CessFile(String fid, long size, List<Segment> segments) {
    /** @param hash SHA-256 of the segment; @param fragments those of its 12 fragments */
    public record Segment(String hash, List<String> fragments) {
        public Segment {
            fragments = List.copyOf(fragments);
        }
    }

    /** Gets the fragments while a file is computed. */
    @FunctionalInterface
    public interface FragmentSink {
        /** @param bytes valid during the call */
        void onFragment(int segment, int fragment, String hash, ByteBuffer bytes) throws IOException;
    }

    public static final int SEGMENT_BYTES = 32 << 20;
    public static final int FRAGMENT_BYTES = 8 << 20;
    public static final int DATA_FRAGMENTS = 4;
    public static final int PARITY_FRAGMENTS = 8;
    public static final int FRAGMENTS = DATA_FRAGMENTS + PARITY_FRAGMENTS;

    /** Segments of a file at most (32 GB). */
    public static final int MAX_SEGMENTS = 1000;

    public CessFile {
        segments = List.copyOf(segments);
    }

    /**
     * Computes a file from its bytes, one segment (and its parity, 96 MiB together) in memory at a time. Does not close {@code in}.
     *
     * @throws PpiofsException NO_DATA for an empty file, FILE_TOO_LARGE for more than 1000 segments, IO
     */
    public static CessFile compute(InputStream in, FragmentSink sink) {
        ReedSolomon code = code();
        byte[] bytes = new byte[SEGMENT_BYTES];
        List<Segment> segments = new ArrayList<>();
        long size = 0;
        try {
            while (true) {
                int n = in.readNBytes(bytes, 0, SEGMENT_BYTES);
                if (n == 0) {
                    break;
                }
                if (segments.size() == MAX_SEGMENTS) {
                    throw new PpiofsException(
                            ErrorKind.FILE_TOO_LARGE,
                            "compute",
                            "CESS file",
                            "it has more than 1000 segments; split it");
                }
                Arrays.fill(bytes, n, SEGMENT_BYTES, (byte) 0);
                segments.add(segment(code, segments.size(), bytes, sink));
                size += n;
            }
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "compute", "CESS file", String.valueOf(e.getMessage()), e);
        }
        if (segments.isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.NO_DATA, "compute", "CESS file", "the file is empty; CESS has no name for it");
        }
        return new CessFile(fid(segments.stream().map(Segment::hash).toList()), size, segments);
    }

    private static Segment segment(ReedSolomon code, int index, byte[] bytes, FragmentSink sink) throws IOException {
        List<ByteBuffer> fragments = new ArrayList<>();
        for (int i = 0; i < DATA_FRAGMENTS; i++) {
            fragments.add(
                    ByteBuffer.wrap(bytes, i * FRAGMENT_BYTES, FRAGMENT_BYTES).slice());
        }
        fragments.addAll(code.encode(fragments));
        List<String> hashes = new ArrayList<>();
        for (int i = 0; i < FRAGMENTS; i++) {
            String hash = sha256(fragments.get(i));
            hashes.add(hash);
            sink.onFragment(index, i, hash, fragments.get(i).asReadOnlyBuffer());
        }
        return new Segment(sha256(ByteBuffer.wrap(bytes)), hashes);
    }

    /**
     * Restores a segment, whose hash is checked.
     *
     * @param fragments 12 entries, null where one is missing
     * @return 32 MiB
     * @throws PpiofsException NO_DATA naming the segment if fewer than 4 are there, CORRUPT if they are not of this segment
     */
    public ByteBuffer restore(int segment, List<@Nullable ByteBuffer> fragments) {
        String name = segments.get(segment).hash();
        long there = fragments.stream().filter(fragment -> fragment != null).count();
        if (there < DATA_FRAGMENTS) {
            throw new PpiofsException(
                    ErrorKind.NO_DATA,
                    "restore",
                    "segment " + segment + " (" + name + ")",
                    "only " + there + " of the " + DATA_FRAGMENTS + " fragments that it needs are there");
        }
        int[] wanted = IntStream.range(0, DATA_FRAGMENTS).toArray();
        int[] lengths =
                IntStream.generate(() -> FRAGMENT_BYTES).limit(DATA_FRAGMENTS).toArray();
        ByteBuffer whole = ByteBuffer.allocate(SEGMENT_BYTES);
        code().reconstruct(fragments, wanted, lengths).forEach(whole::put);
        whole.flip();
        if (!sha256(whole).equals(name)) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "restore",
                    "segment " + segment + " (" + name + ")",
                    "the fragments are not all of this segment; check each against its hash");
        }
        return whole;
    }

    /**
     * The name of a file of these segments: pairs are hashed together, a last one without a partner with itself, level by level; a single segment with
     * itself.
     *
     * @param segmentHashes 64 hexadecimal digits each; at least one
     */
    public static String fid(List<String> segmentHashes) {
        List<byte[]> level = new ArrayList<>();
        segmentHashes.forEach(hash -> level.add(HexFormat.of().parseHex(hash)));
        List<byte[]> now = level;
        do {
            List<byte[]> above = new ArrayList<>();
            for (int i = 0; i < now.size(); i += 2) {
                MessageDigest sha256 = newSha256();
                sha256.update(now.get(i));
                sha256.update(now.get(Math.min(i + 1, now.size() - 1)));
                above.add(sha256.digest());
            }
            now = above;
        } while (now.size() > 1);
        return HexFormat.of().formatHex(now.get(0));
    }

    private static ReedSolomon code() {
        return ReedSolomon.vandermonde(DATA_FRAGMENTS, PARITY_FRAGMENTS, CodingEngine.fastest());
    }

    private static String sha256(ByteBuffer bytes) {
        MessageDigest sha256 = newSha256();
        sha256.update(bytes.duplicate());
        return HexFormat.of().formatHex(sha256.digest());
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
