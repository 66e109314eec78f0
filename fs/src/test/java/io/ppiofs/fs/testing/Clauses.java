package io.ppiofs.fs.testing;

import io.ppiofs.fs.testing.PosixSystem.Stat;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A group of conformance clauses: counts assertions, names failures, makes fixtures. */
abstract class Clauses {
    /** Somebody without rights, and somebody else. */
    static final int NOBODY = 65534;

    static final int OTHER = 65533;
    static final int[] NO_GROUPS = {};
    /** At the slowest timer that Linux is built with on servers, 250 Hz. */
    private static final long TWO_TICKS_NANOS = 8_000_000;

    final PosixSystem os;
    private final String group;
    private final List<String> failures = new ArrayList<>();
    private int assertions;
    private int nextName;
    private String directory = "";

    Clauses(String group, PosixSystem os) {
        this.group = group;
        this.os = os;
    }

    final void runIn(String work) {
        directory = work;
        try {
            run();
        } catch (RuntimeException e) {
            assertions++;
            failures.add(group + ": cannot go on: " + e + " at " + e.getStackTrace()[1]);
        }
    }

    abstract void run();

    int assertions() {
        return assertions;
    }

    List<String> failures() {
        return failures;
    }

    // ---- assertions

    void that(String clause, boolean holds) {
        assertions++;
        if (!holds) {
            failures.add(group + ": " + clause);
        }
    }

    void same(String clause, long expected, long found) {
        that(clause + ": expected " + expected + ", found " + found, expected == found);
    }

    void octal(String clause, int expected, int found) {
        that(
                clause + ": expected " + Integer.toOctalString(expected) + ", found " + Integer.toOctalString(found),
                expected == found);
    }

    void ok(String clause, int found) {
        gives(clause, found, Errno.OK);
    }

    void gives(String clause, int found, Errno... allowed) {
        String wanted = Stream.of(allowed).map(Enum::name).collect(Collectors.joining(" or "));
        boolean holds = Stream.of(allowed).anyMatch(e -> e.number() == found);
        that(clause + ": expected " + wanted + ", found " + Errno.name(found), holds);
    }

    // ---- fixtures

    /** A path that does not exist yet, in the group's directory. */
    String fresh() {
        return directory + "/n" + nextName++;
    }

    String file(int mode) {
        String p = fresh();
        must("create", os.create(p, mode));
        return p;
    }

    String file(int mode, int uid, int gid) {
        String p = file(0);
        must("chown", os.lchown(p, uid, gid));
        must("chmod", os.chmod(p, mode));
        return p;
    }

    String dir(int mode) {
        String p = fresh();
        must("mkdir", os.mkdir(p, mode));
        return p;
    }

    String dir(int mode, int uid, int gid) {
        String p = dir(0700);
        must("chown", os.lchown(p, uid, gid));
        must("chmod", os.chmod(p, mode));
        return p;
    }

    void must(String what, int errno) {
        if (errno != 0) {
            throw new IllegalStateException("fixture: " + what + " failed with " + Errno.name(errno));
        }
    }

    int as(int uid, IntSupplier action) {
        return as(uid, uid, action);
    }

    int as(int uid, int gid, IntSupplier action) {
        return os.as(uid, gid, NO_GROUPS, action::getAsInt);
    }

    /**
     * Waits until the filesystem's clock has moved, so that a change after this has a later time: by two timer ticks, for
     * a kernel that keeps times of files itself may be one ahead of who keeps those of directories.
     */
    void tick() {
        String probe = file(0600);
        long then = os.stat(probe).ctime();
        while (os.stat(probe).ctime() < then + TWO_TICKS_NANOS) {
            must("chmod", os.chmod(probe, 0600));
        }
        must("unlink", os.unlink(probe));
    }

    /** A change of one file's times across an action. */
    record Change(Stat before, Stat after) {
        boolean atime() {
            return after.atime() > before.atime();
        }

        boolean mtime() {
            return after.mtime() > before.mtime();
        }

        boolean ctime() {
            return after.ctime() > before.ctime();
        }
    }

    Change across(String path, Runnable action) {
        Stat before = os.lstat(path);
        tick();
        action.run();
        return new Change(before, os.lstat(path));
    }
}
