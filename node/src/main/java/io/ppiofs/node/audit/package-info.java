/**
 * Audits of what peers hold of a volume. The owner's node tags closed groups ({@link io.ppiofs.node.audit.GroupTags}), challenges
 * holders now and then ({@link io.ppiofs.node.audit.VolumeAuditor}) and judges what they answer ({@link
 * io.ppiofs.node.audit.SlotVerifier}); a storing node answers ({@link io.ppiofs.node.audit.HostedProver}). A {@link
 * io.ppiofs.node.audit.Transcript} of public audits is checked by anybody, without data, volume or network.
 *
 * <p>Promises: a holder fails only by what it says or signs itself; no answer, or a late one, is a suspicion. A failure is looked
 * into at once by further challenges, so that one damaged sector does not cost a holder its slots, and a lost share does. Private tags never
 * leave this machine but in sums. Public ones go to peers once somebody else may verify the volume ({@link io.ppiofs.node.audit.TagIndex}); what other verifiers
 * find counts when it was judged here ({@link io.ppiofs.node.audit.FailureReport}).
 *
 * <p>Slots can be sealed, too, by holders that agree ({@link io.ppiofs.node.audit.VolumeSeals}): the auditor compares what is sealed with the blocks, checks the replica once
 * and asks for a window with every audit of the slot.
 *
 * <p>Cost: 16 bytes of tag per 8 KiB (private form) or 48 (public form, by choice) on the owner's disk; per audit 460 reads of 8 KiB at the
 * holder, 10 KiB over the network, some ms here.
 *
 * <p>Start reading at {@link io.ppiofs.node.audit.VolumeAuditor}.
 */
@NullMarked
package io.ppiofs.node.audit;

import org.jspecify.annotations.NullMarked;
