package io.ppiofs.node;

import java.util.List;

/**
 * What {@code ppiofs scrub} found.
 *
 * @param blocks hashed
 * @param bytes of these blocks on the disk
 * @param problems all of them; {@code findings} may list fewer
 * @param findings one line each: a block or a segment file, and what is wrong with it
 */
public record ScrubFindings(long blocks, long bytes, long problems, List<FsckReport.Finding> findings) {
    /** Problems beyond this are counted, not listed. */
    static final int MAX_LISTED = 1000;

    public ScrubFindings {
        findings = List.copyOf(findings);
    }
}
