/**
 * Erasure coding: {@link io.ppiofs.blockstore.erasure.ReedSolomon} makes m parity fragments for k blocks so that any k of
 * the k + m restore the rest; {@link io.ppiofs.blockstore.erasure.Scheme} says which code, or how many copies; {@link io.ppiofs.blockstore.erasure.CessFile} cuts, codes and names a file as CESS does.
 *
 * <p>Arithmetic in GF(2^8) with the polynomial 0x11d. The bytes do not depend on how they are computed: Intel's ISA-L (Debian's {@code libisal2})
 * where it loads, else Java code that the JIT compiler turns into vector instructions. {@code docs/formats.md},
 * section "Erasure code", has the matrix.
 *
 * <p>Cost per core, 4+8: see {@code docs/benchmarks.md}; direct buffers are read and written in place by ISA-L, heap buffers pass through a scratch
 * area that fits the cache. Instances are immutable and safe for any thread.
 */
@NullMarked
package io.ppiofs.blockstore.erasure;

import org.jspecify.annotations.NullMarked;
