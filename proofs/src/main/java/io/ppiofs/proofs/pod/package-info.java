/**
 * Proof of download: a user buys blocks by their content ids from a provider, with a verifier between them that holds the key and never
 * the data. One state machine per role: {@link io.ppiofs.proofs.pod.PodUserDeal}, {@link io.ppiofs.proofs.pod.PodProviderDeal}, {@link
 * io.ppiofs.proofs.pod.PodVerifierDeal}; what they exchange are bytes that others carry.
 *
 * <p>Promises: what is sold is committed to before anything is challenged; every message is of one deal, in one order, within a time;
 * every length is bounded before memory is taken; bytes that do not hold give CORRUPT, a step out of turn NOT_PERMITTED, and neither
 * changes a deal. Depends on hashes, AES and a check of signatures only; reads no clock, file or network: the time comes with each
 * call.
 *
 * <p>Cost: the provider hashes what it sells once in plain Java (some 200 MB/s) and once by the JDK; the verifier opens some 64 leaves of 4
 * KiB of each side. The protocol and what it shows: {@code docs/proofs.md}. Start reading at {@link
 * io.ppiofs.proofs.pod.PodVerifierDeal}.
 */
@NullMarked
package io.ppiofs.proofs.pod;

import org.jspecify.annotations.NullMarked;
