/**
 * JMH benchmarks of the hot paths: names and ciphers, blocks, the index, the tree, the journal, the core without FUSE, and connections.
 *
 * <p>Each benchmark class measures one room through its public interface, with fixed seeds, and leaves no file behind.
 * {@link io.ppiofs.bench.Benchmarks} runs them all with short parameters and prints a table: good for orders of
 * magnitude and for before and after on one machine, not for comparing machines. What must not get worse is held by the
 * guards in the tests of this module, as ratios within one run. Results, and what they do not show, stand in {@code
 * docs/benchmarks.md}. Start reading at {@link io.ppiofs.bench.BlockBenchmark}.
 */
@NullMarked
package io.ppiofs.bench;

import org.jspecify.annotations.NullMarked;
