package io.ppiofs.node.audit;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an audit of a volume found.
 *
 * @param lines one per slot that was audited
 * @param untagged closed groups that could not be audited because their blocks are not on this machine
 * @param seals one per slot that is to be sealed
 */
public record AuditReport(List<Line> lines, int untagged, List<Seal> seals) {
    /**
     * A slot's outcome: the first one that did not pass, else the last.
     *
     * @param challenges how many were made
     * @param failed how many of them failed
     */
    public record Line(AuditOutcome outcome, int challenges, int failed) {}

    /** A sealed slot's window; otherwise as {@link Line}. */
    public record Window(WindowOutcome outcome, int challenges, int failed) {}

    /**
     * How a slot stands that is to be sealed.
     *
     * @param state one word
     * @param sector its number at the holder; null until its replication was checked
     * @param window that was asked for in this audit; null if none was
     * @param last how the last window ended, of this audit or before; null if there was none
     * @param reason half a sentence on why it is not sealed, or what the last window failed by; may be empty
     */
    public record Seal(
            GroupId group,
            int slot,
            PeerId holder,
            String state,
            String parameters,
            @Nullable Long sector,
            @Nullable Window window,
            AuditOutcome.@Nullable Result last,
            String reason) {}

    public AuditReport {
        lines = List.copyOf(lines);
        seals = List.copyOf(seals);
    }

    /** How many slots and windows ended like this. */
    public int count(AuditOutcome.Result result) {
        long units =
                lines.stream().filter(line -> line.outcome().result() == result).count();
        long windows = seals.stream()
                .map(Seal::window)
                .filter(window -> window != null && window.outcome().result() == result)
                .count();
        return (int) (units + windows);
    }
}
