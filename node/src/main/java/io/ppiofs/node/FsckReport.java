package io.ppiofs.node;

import java.util.List;

/**
 * What {@code ppiofs fsck} found.
 *
 * @param files inodes checked that are no directories
 * @param blocks checked, each read whole and compared with its name
 * @param bytes of these blocks on the disk
 * @param problems all of them; {@code findings} may list fewer
 * @param findings one line each
 */
public record FsckReport(long files, long directories, long blocks, long bytes, long problems, List<Finding> findings) {
    public FsckReport {
        findings = List.copyOf(findings);
    }

    /** @param subject a path in the volume, or what else is damaged */
    public record Finding(String subject, String problem) {}
}
