package io.ppiofs.blockstore.erasure;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A systematic Reed–Solomon code over GF(2^8): m parity fragments for k data blocks, any k of all restore the others. Blocks may differ in
 * length; a shorter one counts as followed by zeros up to the longest of its stripe, which is the length of all parity. Immutable, safe for
 * any thread.
 */
public final class ReedSolomon {
    /** Fragments of a stripe at most: as many as the field has elements. */
    public static final int MAX_FRAGMENTS = 256;

    private final int data;
    private final CodingEngine engine;
    private final Matrix generator;
    private final CodingEngine.Prepared encoding;

    private ReedSolomon(Matrix generator, CodingEngine engine) {
        this.data = generator.columns();
        this.engine = engine;
        this.generator = generator;
        this.encoding =
                prepare(generator.pick(IntStream.range(data, generator.rows()).toArray()));
    }

    /**
     * ppiofs's code: below the identity, element (k + r, c) is the inverse of (k + r) xor c, a Cauchy matrix, every square part of which can be
     * inverted. With one data block every parity fragment equals it: copies.
     *
     * @param data k, from 1
     * @param parity m, from 0; k + m at most {@link #MAX_FRAGMENTS}
     */
    public static ReedSolomon cauchy(int data, int parity, CodingEngine engine) {
        check(data, parity);
        return new ReedSolomon(
                Matrix.of(data + parity, data, (r, c) -> {
                    if (r < data) {
                        return r == c ? 1 : 0;
                    }
                    return data == 1 ? 1 : GaloisField.inverse(r ^ c);
                }),
                engine);
    }

    /** {@link #cauchy(int, int, CodingEngine)} with the fastest engine. */
    public static ReedSolomon cauchy(int data, int parity) {
        return cauchy(data, parity, CodingEngine.fastest());
    }

    /**
     * The code of klauspost/reedsolomon, Backblaze and CESS: element (r, c) of a Vandermonde matrix is r to the power of c, and the whole
     * is multiplied with the inverse of its upper square, which becomes the identity.
     */
    public static ReedSolomon vandermonde(int data, int parity, CodingEngine engine) {
        check(data, parity);
        Matrix powers = Matrix.of(data + parity, data, GaloisField::power);
        Matrix upper = powers.pick(IntStream.range(0, data).toArray());
        return new ReedSolomon(powers.times(upper.inverse()), engine);
    }

    private static void check(int data, int parity) {
        if (data < 1 || parity < 0 || data + parity > MAX_FRAGMENTS) {
            throw new IllegalArgumentException("no code: " + data + "+" + parity);
        }
    }

    private CodingEngine.Prepared prepare(Matrix matrix) {
        byte[][] rows = new byte[matrix.rows()][data];
        for (int r = 0; r < rows.length; r++) {
            for (int c = 0; c < data; c++) {
                rows[r][c] = (byte) matrix.get(r, c);
            }
        }
        return engine.prepare(rows);
    }

    public int data() {
        return data;
    }

    public int parity() {
        return generator.rows() - data;
    }

    public String engine() {
        return engine.name();
    }

    /**
     * The parity of a stripe.
     *
     * @param blocks k buffers, read from position to limit, which do not move; an empty one is a place that no block fills
     * @return m heap buffers as long as the longest block
     */
    public List<ByteBuffer> encode(List<ByteBuffer> blocks) {
        int length = blocks.stream().mapToInt(ByteBuffer::remaining).max().orElse(0);
        List<ByteBuffer> made = new ArrayList<>();
        for (int i = 0; i < parity(); i++) {
            made.add(ByteBuffer.allocate(length));
        }
        encode(blocks, made);
        return made;
    }

    /** As {@link #encode(List)} into m buffers of the longest block's length; their positions do not move. */
    public void encode(List<ByteBuffer> blocks, List<ByteBuffer> into) {
        int length = blocks.stream().mapToInt(ByteBuffer::remaining).max().orElse(0);
        if (blocks.size() != data
                || into.size() != parity()
                || !into.stream().allMatch(buffer -> buffer.remaining() == length)) {
            throw new IllegalArgumentException("a stripe of " + data + "+" + parity() + " needs as many buffers, "
                    + "and parity of " + length + " bytes");
        }
        if (!into.isEmpty()) {
            encoding.apply(blocks.toArray(new ByteBuffer[0]), into.toArray(new ByteBuffer[0]));
        }
    }

    /**
     * Restores fragments of a stripe from any k others.
     *
     * @param fragments k + m entries, first the blocks, then the parity; null where it is missing; read from position to limit
     * @param wanted which ones to restore
     * @param lengths of the wanted ones, bytes; the inventory has them
     * @return heap buffers in the order of {@code wanted}
     * @throws PpiofsException NO_DATA if fewer than k are there
     */
    public List<ByteBuffer> reconstruct(List<@Nullable ByteBuffer> fragments, int[] wanted, int[] lengths) {
        if (fragments.size() != generator.rows() || wanted.length != lengths.length) {
            throw new IllegalArgumentException(fragments.size() + " fragments, " + wanted.length + " wanted, "
                    + lengths.length + " lengths for " + data + "+" + parity());
        }
        int[] from = IntStream.range(0, fragments.size())
                .filter(i -> fragments.get(i) != null)
                .limit(data)
                .toArray();
        if (from.length < data) {
            throw new PpiofsException(
                    ErrorKind.NO_DATA,
                    "restore",
                    "stripe " + data + "+" + parity(),
                    "only " + from.length + " of the " + data + " fragments that it needs are there");
        }
        ByteBuffer[] inputs = new ByteBuffer[data];
        for (int i = 0; i < data; i++) {
            ByteBuffer fragment = fragments.get(from[i]);
            inputs[i] = fragment == null ? ByteBuffer.allocate(0) : fragment;
        }
        ByteBuffer[] outputs = new ByteBuffer[wanted.length];
        for (int i = 0; i < wanted.length; i++) {
            outputs[i] = ByteBuffer.allocate(lengths[i]);
        }
        if (wanted.length > 0) {
            Matrix decoding = generator.pick(wanted).times(generator.pick(from).inverse());
            prepare(decoding).apply(inputs, outputs);
        }
        return List.of(outputs);
    }
}
