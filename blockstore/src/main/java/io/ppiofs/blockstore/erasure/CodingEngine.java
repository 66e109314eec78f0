package io.ppiofs.blockstore.erasure;

import java.nio.ByteBuffer;
import java.util.Optional;

/** What multiplies matrices with data. All engines give the same bytes. Safe for any thread. */
public interface CodingEngine {
    /** A matrix prepared for an engine. Safe for any thread. */
    interface Prepared {
        /**
         * Sets {@code outputs[r]} to the sum over c of matrix element (r, c) times {@code inputs[c]}, byte by byte. An input that is shorter counts
         * as followed by zeros. Buffers are used from position to limit, which do not move.
         */
        void apply(ByteBuffer[] inputs, ByteBuffer[] outputs);
    }

    /** For people: {@code isa-l} or {@code java}. */
    String name();

    /** @param matrix rows of coefficients, one row per output, one column per input; not changed later */
    Prepared prepare(byte[][] matrix);

    /** The engine that needs nothing. */
    static CodingEngine java() {
        return JavaEngine.INSTANCE;
    }

    /** ISA-L, if this machine has it. */
    static Optional<CodingEngine> isaL() {
        return IsaLEngine.instance();
    }

    /** The fastest of this machine. */
    static CodingEngine fastest() {
        return isaL().orElse(java());
    }
}
