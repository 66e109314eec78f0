package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;

/**
 * What chattr(1) sets on a file or directory, and what it means to everybody, root too, until it is taken off again.
 *
 * @param immutable nothing of it changes: content, attributes, names; a directory gets and loses no entries
 * @param appendOnly content only grows, by descriptors opened with O_APPEND; a directory gets entries and loses none;
 *     attributes and names stay
 */
public record InodeFlags(boolean immutable, boolean appendOnly) {
    public static final InodeFlags NONE = new InodeFlags(false, false);

    /**
     * What open(2) refuses.
     *
     * @param linux as in {@code fcntl.h}
     * @throws PpiofsException NOT_PERMITTED
     */
    public static void refuseOpen(FileSystemCore core, Ino ino, int linux) {
        OpenFlags how = OpenFlags.ofLinux(linux);
        if (!how.write() && !how.truncate()) {
            return;
        }
        InodeFlags flags = core.inodeFlags(ino);
        boolean grows = how.append() && !how.truncate();
        if (flags.immutable || flags.appendOnly && !grows) {
            throw PpiofsException.expected(ErrorKind.NOT_PERMITTED, "open", Long.toUnsignedString(ino.value()));
        }
    }
}
