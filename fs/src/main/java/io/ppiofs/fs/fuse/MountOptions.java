package io.ppiofs.fs.fuse;

import java.util.List;

/**
 * Options of one mount.
 *
 * @param source the first column of /proc/mounts, for example {@code ppiofs#default}
 * @param readOnly {@code ro}
 * @param kernelOptions further options for the kernel or libfuse as mount(8) spells them, already checked: {@code
 *     allow_other}, {@code allow_root}, {@code dev}/{@code nodev}, {@code suid}/{@code nosuid}, {@code exec}/{@code
 *     noexec}, {@code atime}/{@code noatime}, {@code relatime}/{@code strictatime}, {@code diratime}/{@code nodiratime},
 *     {@code sync}, {@code dirsync}; {@code default_permissions} is always on
 * @param threads FUSE worker threads, ≥ 1
 */
public record MountOptions(String source, boolean readOnly, List<String> kernelOptions, int threads) {
    public MountOptions {
        kernelOptions = List.copyOf(kernelOptions);
        if (threads < 1) {
            throw new IllegalArgumentException("threads " + threads);
        }
    }

    /** The same with another source, which everybody on the machine can read. */
    public MountOptions from(String other) {
        return new MountOptions(other, readOnly, kernelOptions, threads);
    }
}
