/**
 * The stored form: how plaintext becomes the bytes that a block is named by, and back. Byte tables are in {@code
 * docs/formats.md}; {@link io.ppiofs.blockstore.sealed.StoredForm} holds the same numbers.
 *
 * <p>Promises: one key never meets two messages (the key is derived from a hash over everything the AEAD is given); a
 * range read decrypts only the 32 KiB frames it touches; a changed byte is CORRUPT and never data.
 *
 * <p>Costs, one core with ACCP: sealing incompressible data is two SHA-256 passes plus AES-GCM (1 MiB about 1.2 ms, 4
 * KiB about 10 µs); opening is AES-GCM alone (a frame about 5 µs). Buffers are per thread and reused; threads
 * should be few and long-lived. Start reading at {@link io.ppiofs.blockstore.sealed.SealedBlocks}.
 */
@NullMarked
package io.ppiofs.blockstore.sealed;

import org.jspecify.annotations.NullMarked;
