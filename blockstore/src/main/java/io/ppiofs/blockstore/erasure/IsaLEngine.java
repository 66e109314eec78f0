package io.ppiofs.blockstore.erasure;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Intel's Intelligent Storage Acceleration Library, {@code erasure_code.h}. */
final class IsaLEngine implements CodingEngine {
    private static final Logger LOG = LoggerFactory.getLogger(IsaLEngine.class);
    private static final String LIBRARY = "libisal.so.2";

    /** Bytes of every buffer that one call handles: what heap buffers are copied through stays in the cache. */
    private static final int PIECE = 16 * 1024;

    /** Bytes of the tables of one coefficient. */
    private static final int TABLE = 32;

    /** The functions that are used; see ISA-L's erasure_code.h. */
    public interface Calls {
        void ec_init_tables(int k, int rows, Pointer matrix, Pointer tables);

        /** The last argument does not exist: jffi breaks calls with exactly six, and C ignores a seventh. */
        void ec_encode_data(
                int length, int inputs, int outputs, Pointer tables, Pointer input, Pointer output, long unused);
    }

    /** Loaded at first use, once. */
    private static final class Loaded {
        static final @Nullable IsaLEngine ENGINE = load();

        private static @Nullable IsaLEngine load() {
            try {
                return new IsaLEngine(
                        LibraryLoader.create(Calls.class).failImmediately().load(LIBRARY));
            } catch (UnsatisfiedLinkError e) {
                LOG.debug("load {}: {}; erasure code is computed in Java", LIBRARY, e.getMessage());
                return null;
            }
        }
    }

    private final Calls calls;
    private final Runtime runtime;

    private IsaLEngine(Calls calls) {
        this.calls = calls;
        this.runtime = Runtime.getRuntime(calls);
    }

    static Optional<CodingEngine> instance() {
        return Optional.ofNullable(Loaded.ENGINE);
    }

    @Override
    public String name() {
        return "isa-l";
    }

    @Override
    public Prepared prepare(byte[][] matrix) {
        return new Multiplication(matrix);
    }

    private final class Multiplication implements Prepared {
        private final int inputs;
        private final int outputs;
        private final Pointer tables;
        private final ConcurrentLinkedQueue<Scratch> scratches = new ConcurrentLinkedQueue<>();

        Multiplication(byte[][] matrix) {
            outputs = matrix.length;
            inputs = outputs == 0 ? 0 : matrix[0].length;
            Pointer coefficients = runtime.getMemoryManager().allocateDirect(Math.max(1, inputs * outputs));
            for (int r = 0; r < outputs; r++) {
                coefficients.put((long) r * inputs, matrix[r], 0, inputs);
            }
            tables = runtime.getMemoryManager().allocateDirect(Math.max(1, inputs * outputs * TABLE));
            calls.ec_init_tables(inputs, outputs, coefficients, tables);
        }

        @Override
        public void apply(ByteBuffer[] in, ByteBuffer[] out) {
            Scratch pooled = scratches.poll();
            Scratch scratch = pooled != null ? pooled : new Scratch(inputs, outputs);
            int length =
                    Arrays.stream(out).mapToInt(ByteBuffer::remaining).max().orElse(0);
            scratch.begin(in, out);
            for (int at = 0; at < length; at += PIECE) {
                int n = Math.min(PIECE, length - at);
                scratch.load(in, out, at, n);
                calls.ec_encode_data(n, inputs, outputs, tables, scratch.inputAddresses, scratch.outputAddresses, 0);
                scratch.store(out, at, n);
            }
            Reference.reachabilityFence(in);
            Reference.reachabilityFence(out);
            scratches.add(scratch);
        }
    }

    /** Where heap buffers, and the ends of short ones, are copied through. */
    private final class Scratch {
        private final ByteBuffer area;
        private final long areaAddress;
        private final int inputs;
        private final Pointer inputAddresses;
        private final Pointer outputAddresses;
        private final long[] inAddress;
        private final long[] outAddress;

        Scratch(int inputs, int outputs) {
            this.inputs = inputs;
            area = ByteBuffer.allocateDirect((inputs + outputs) * PIECE + TABLE);
            areaAddress = address(area);
            inputAddresses = runtime.getMemoryManager().allocateDirect(Math.max(1, inputs) * Long.BYTES);
            outputAddresses = runtime.getMemoryManager().allocateDirect(Math.max(1, outputs) * Long.BYTES);
            inAddress = new long[inputs];
            outAddress = new long[outputs];
        }

        private long address(ByteBuffer direct) {
            return Pointer.wrap(runtime, direct.slice()).address();
        }

        void begin(ByteBuffer[] in, ByteBuffer[] out) {
            for (int i = 0; i < in.length; i++) {
                inAddress[i] = in[i].isDirect() && in[i].hasRemaining() ? address(in[i]) : 0;
            }
            for (int i = 0; i < out.length; i++) {
                outAddress[i] = out[i].isDirect() && out[i].hasRemaining() ? address(out[i]) : 0;
            }
        }

        /** Sets the addresses of the piece: the buffers' own where they are direct and long enough. */
        void load(ByteBuffer[] in, ByteBuffer[] out, int at, int n) {
            for (int i = 0; i < in.length; i++) {
                int here = Math.max(0, Math.min(n, in[i].remaining() - at));
                if (inAddress[i] != 0 && here == n) {
                    inputAddresses.putLongLong((long) i * Long.BYTES, inAddress[i] + at);
                } else {
                    int place = i * PIECE;
                    area.put(place, in[i], in[i].position() + Math.min(at, in[i].remaining()), here);
                    zero(place + here, n - here);
                    inputAddresses.putLongLong((long) i * Long.BYTES, areaAddress + place);
                }
            }
            for (int i = 0; i < out.length; i++) {
                boolean direct = outAddress[i] != 0 && out[i].remaining() - at >= n;
                outputAddresses.putLongLong(
                        (long) i * Long.BYTES, direct ? outAddress[i] + at : areaAddress + (long) (inputs + i) * PIECE);
            }
        }

        private void zero(int place, int n) {
            for (int i = 0; i < n; i++) {
                area.put(place + i, (byte) 0);
            }
        }

        void store(ByteBuffer[] out, int at, int n) {
            for (int i = 0; i < out.length; i++) {
                int here = Math.min(n, out[i].remaining() - at);
                if (here > 0 && !(outAddress[i] != 0 && here == n)) {
                    out[i].put(out[i].position() + at, area, (inputs + i) * PIECE, here);
                }
            }
        }
    }
}
