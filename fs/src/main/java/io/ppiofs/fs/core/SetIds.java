package io.ppiofs.fs.core;

import java.util.function.IntPredicate;

/** Set-user-ID and set-group-ID bits of a mode. */
final class SetIds {
    static final int SET_UID = 04000;
    static final int SET_GID = 02000;
    private static final int GROUP_EXECUTE = 010;

    private SetIds() {}

    /** The mode without set-user-ID, and without set-group-ID where it means execution (else it means locking). */
    static int dropped(int mode) {
        return mode & ~SET_UID & ((mode & GROUP_EXECUTE) != 0 ? ~SET_GID : ~0);
    }

    /** As {@link #dropped(int)}, and without set-group-ID for whom {@code memberOf} does not know in the file's group. */
    static int dropped(Attr attr, IntPredicate memberOf) {
        int without = dropped(attr.mode());
        boolean outsider = (without & SET_GID) != 0 && !memberOf.test(attr.gid());
        return outsider ? without & ~SET_GID : without;
    }
}
