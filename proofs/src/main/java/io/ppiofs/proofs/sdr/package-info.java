/**
 * Stacked depth-robust graph labelling, bit-compatible with Filecoin's SDR: the graph ({@link
 * io.ppiofs.proofs.sdr.SdrGraph}), what a label hashes ({@link io.ppiofs.proofs.sdr.LabelPreimage}), the parents of all nodes in
 * a file ({@link io.ppiofs.proofs.sdr.ParentCache}) and the loop that fills a layer ({@link io.ppiofs.proofs.sdr.Labeller}).
 *
 * <p>Promises: the labels of Filecoin's reference for API versions 1.0, 1.1 and 1.2; a bounded heap (about 4 MiB per
 * labeller), the layers and the parents being files. Costs: labelling is SHA-256 over 1,248 bytes per node plus at most a
 * quarter, held by a guard in the benchmarks; parents cost several µs per node once per size. Graph and preimage read no
 * file: verifiers use them as they are. Start reading at {@link io.ppiofs.proofs.sdr.SdrGraph}.
 */
@NullMarked
package io.ppiofs.proofs.sdr;

import org.jspecify.annotations.NullMarked;
