/**
 * The block protocol, {@code /ppiofs/ID/blocks/1.0.0}: which blocks a peer has, getting them, putting them, over one long
 * stream per pair of peers and direction. Requests are numbered and share the stream; whoever receives payload grants
 * credit for it; four {@linkplain io.ppiofs.overlay.blocks.Priority priorities} are served in order without starving
 * any. A block is given on only after its bytes were checked against its CID.
 *
 * <p>{@link io.ppiofs.overlay.blocks.BlockClient} asks, the server answers from a {@link
 * io.ppiofs.overlay.blocks.BlockHost}. Bytes on the wire: {@code docs/protocol.md}, section "Blocks".
 *
 * <p>Copies of a payload byte in this process. Getting: the host reads it from the file into the buffer of its frame (one
 * copy, by the kernel), TLS encrypts from there; the receiver copies it once out of the decrypted record into its block.
 * Putting: the sender's buffer is what TLS encrypts from (none), the receiver copies once. Each received byte is hashed
 * once, while it arrives. Every length from outside is bounded before memory is taken.
 */
@NullMarked
package io.ppiofs.overlay.blocks;

import org.jspecify.annotations.NullMarked;
