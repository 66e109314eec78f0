package io.ppiofs.fs.core;

/** The flags of renameat2(2). */
public enum RenameMode {
    REPLACE,
    NO_REPLACE,
    EXCHANGE,
    /** As REPLACE; a whiteout, a character device 0:0, stays behind: what a union file system needs of its upper layer. */
    WHITEOUT,
    /** As NO_REPLACE, and a whiteout stays behind. */
    NO_REPLACE_WHITEOUT;

    /** A name that is taken is EXISTS. */
    public boolean keepsTarget() {
        return this == NO_REPLACE || this == NO_REPLACE_WHITEOUT;
    }

    public boolean leavesWhiteout() {
        return this == WHITEOUT || this == NO_REPLACE_WHITEOUT;
    }
}
