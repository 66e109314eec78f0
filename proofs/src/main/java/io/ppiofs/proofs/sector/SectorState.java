package io.ppiofs.proofs.sector;

import java.util.EnumSet;
import java.util.Set;

/** Where a sector is in its life. The order of the constants is that of the codes on disk. */
public enum SectorState {
    /** Takes payload. */
    OPEN,
    /** Has all its payload; nothing of it changes any more. */
    FULL,
    /** Labels and encodes; goes on after a crash. */
    SEALING,
    /** Has a replica, and the layers that a proof of replication opens. */
    SEALED,
    /** Its replication was proven; it proves space-time. */
    PROVING,
    /** Does not prove: declared, or a window was missed. */
    FAULTY,
    /** Its owner says that it is whole again; the next window that it proves makes it {@link #PROVING}. */
    RECOVERING,
    /** Its files are going or gone. */
    REMOVED;

    /** Whether a sector in this state may go to the other. */
    public boolean mayBecome(SectorState next) {
        return successors().contains(next);
    }

    private Set<SectorState> successors() {
        return switch (this) {
            case OPEN -> EnumSet.of(FULL, REMOVED);
            case FULL -> EnumSet.of(SEALING, REMOVED);
            case SEALING -> EnumSet.of(SEALED, REMOVED);
            case SEALED -> EnumSet.of(PROVING, REMOVED);
            case PROVING -> EnumSet.of(FAULTY, REMOVED);
            case FAULTY -> EnumSet.of(RECOVERING, REMOVED);
            case RECOVERING -> EnumSet.of(PROVING, FAULTY, REMOVED);
            case REMOVED -> EnumSet.noneOf(SectorState.class);
        };
    }
}
