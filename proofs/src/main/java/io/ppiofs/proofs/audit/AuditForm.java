package io.ppiofs.proofs.audit;

/** Which tags an audit goes by. The ordinal is the number in statements and on the wire: append only. */
public enum AuditForm {
    /** {@link io.ppiofs.proofs.podr2.MacKey}: only who has the owner's secret checks. */
    PRIVATE,
    /** {@link io.ppiofs.proofs.podr2.TagKey}: whoever has the tag key's public half checks. */
    PUBLIC
}
