package io.ppiofs.node.audit;

import java.util.List;

/**
 * What an audit of a volume found.
 *
 * @param lines one per slot that was audited
 * @param untagged closed groups that could not be audited because their blocks are not on this machine
 */
public record AuditReport(List<Line> lines, int untagged) {
    /**
     * A slot's outcome: the first one that did not pass, else the last.
     *
     * @param challenges how many were made
     * @param failed how many of them failed
     */
    public record Line(AuditOutcome outcome, int challenges, int failed) {}

    public AuditReport {
        lines = List.copyOf(lines);
    }

    /** How many slots ended like this. */
    public int count(AuditOutcome.Result result) {
        return (int)
                lines.stream().filter(line -> line.outcome().result() == result).count();
    }
}
