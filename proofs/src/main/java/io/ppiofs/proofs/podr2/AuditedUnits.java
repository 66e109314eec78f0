package io.ppiofs.proofs.podr2;

/** A prover's units and tags by their number. May be asked by one thread at a time. */
public interface AuditedUnits {
    /** {@link UnitName#UNIT_BYTES} bytes: the unit, filled up with zeros. */
    byte[] unit(long number);

    /** Its tag. */
    byte[] tag(long number);
}
