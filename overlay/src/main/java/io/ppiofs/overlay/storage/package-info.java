/**
 * Storage under grants. A node that lends space is an <em>operator</em>; a volume's key, under which it stores, is a
 * <em>tenant</em>. The operator {@linkplain io.ppiofs.overlay.storage.Grant grants} bytes, the tenant {@linkplain
 * io.ppiofs.overlay.storage.LeaseOrder orders} leases of group slots, blocks are put into leased slots, and the operator
 * keeps the groups' slot tables and the tenant's heads, so that who has only a capability finds everything by asking.
 *
 * <p>Promises: nothing is stored without a grant, no grant and no node takes more than its bytes, and only a signature of
 * the tenant orders or deletes. Durations, never dates, go over the wire. Records are immutable; {@link
 * io.ppiofs.overlay.storage.StorageClient} is safe for any thread.
 *
 * <p>Cost: a request is one stream and one or two signature checks (about 100 µs each); blocks do not come this way, they
 * have a protocol of their own. Start reading at {@link io.ppiofs.overlay.storage.StorageClient} (asking) and {@link
 * io.ppiofs.overlay.storage.StorageHost} (lending). Formats: {@code docs/protocol.md}, "Storage".
 */
@NullMarked
package io.ppiofs.overlay.storage;

import org.jspecify.annotations.NullMarked;
