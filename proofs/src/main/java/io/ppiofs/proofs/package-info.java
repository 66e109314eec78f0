/**
 * The proofs room: sealing, and proofs that a peer holds what it claims. It sees the block store's basics only (records, files,
 * errors) and no network: challenges and answers are bytes that others carry.
 *
 * <p>{@link io.ppiofs.proofs.sdr} labels, {@link io.ppiofs.proofs.fr32} makes data and keys addable, {@link io.ppiofs.proofs.merkle}
 * commits; {@link io.ppiofs.proofs.porep} seals and proves replication, {@link io.ppiofs.proofs.post} space-time, {@link
 * io.ppiofs.proofs.verify} checks both; {@link io.ppiofs.proofs.sector} keeps sectors through their lives; {@link
 * io.ppiofs.proofs.podr2} audits unsealed blocks; {@link io.ppiofs.proofs.pod} is the fair exchange at download. What each proof shows
 * and does not show, with its numbers, stands in {@code docs/proofs.md}. Start reading at {@link io.ppiofs.proofs.sector.SectorStore}.
 */
@NullMarked
package io.ppiofs.proofs;

import org.jspecify.annotations.NullMarked;
