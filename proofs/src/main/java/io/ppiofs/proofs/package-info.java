/**
 * The proofs room: sector store, sealing, proofs of replication, space-time, delivery and capacity, audits. Its turn
 * has not come; {@code docs/design.md} section 6 says what will live here.
 */
@NullMarked
package io.ppiofs.proofs;

import org.jspecify.annotations.NullMarked;
