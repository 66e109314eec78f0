package io.ppiofs.node.audit;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.audit.AuditForm;
import org.jspecify.annotations.Nullable;

/**
 * What to audit, and how.
 *
 * @param only null for all holders
 * @param fetch whether blocks that tags need are fetched if they are not here
 * @param units challenged per slot
 */
public record AuditOrder(AuditForm form, @Nullable PeerId only, boolean fetch, int units) {}
