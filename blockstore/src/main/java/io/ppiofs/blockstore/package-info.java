/**
 * Blocks on this machine. A <em>block</em> is up to a few MiB of plaintext; its <em>stored form</em> is compressed,
 * encrypted and named by the {@link io.ppiofs.blockstore.Cid} of its exact bytes.
 *
 * <p>Two interfaces, two levels. {@link io.ppiofs.blockstore.BlockStore} keeps stored forms and knows no key: memory,
 * disk and network implement it, and one contract suite checks them all. {@link io.ppiofs.blockstore.Blocks} is the
 * plaintext view above one store: it seals on the way in and verifies and opens on the way out. Formats are in
 * {@code docs/formats.md}.
 *
 * <p>Start reading at {@link io.ppiofs.blockstore.Blocks}.
 */
@NullMarked
package io.ppiofs.blockstore;

import org.jspecify.annotations.NullMarked;
