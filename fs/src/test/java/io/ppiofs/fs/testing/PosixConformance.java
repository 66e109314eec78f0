package io.ppiofs.fs.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Checks a directory's filesystem against POSIX (and Linux where POSIX leaves a choice): errno of each failing call,
 * modes, owners, link counts, and which times change. Written from the standard's text; each clause is one assertion.
 * Needs root, because it also acts as other users. Runs in the calling thread, in about a second on a local filesystem.
 */
public final class PosixConformance {
    /**
     * What came out.
     *
     * @param failures one line each: group, clause, expected and found
     */
    public record Report(int assertions, List<String> failures) {
        public double percent() {
            return assertions == 0 ? 0 : 100.0 * (assertions - failures.size()) / assertions;
        }
    }

    private static final List<Function<PosixSystem, Clauses>> GROUPS = List.of(
            PathClauses::new,
            CreateClauses::new,
            OpenClauses::new,
            RemoveClauses::new,
            RenameClauses::new,
            ModeClauses::new,
            TimeClauses::new,
            DataClauses::new,
            XattrClauses::new);

    private static final List<Function<PosixSystem, Clauses>> LINUX = List.of(LinuxClauses::new);

    private PosixConformance() {}

    /** @param directory an empty directory on the filesystem in question, which every user can reach; left empty */
    public static Report run(Path directory) throws IOException {
        return run(new PosixSystem(), directory, GROUPS);
    }

    /**
     * What Linux has beside POSIX, for filesystems that have it: flags of renameat2(2), O_TMPFILE, copy_file_range(2),
     * holes, ACLs, set-ids at every change of the content.
     *
     * @param directory as for {@link #run}
     */
    public static Report runLinux(Path directory) throws IOException {
        return run(new PosixSystem(), directory, LINUX);
    }

    /**
     * As {@link #run} in two directories that show the same files, with half of the calls through each: what one call does
     * holds for the next one, wherever it comes. But for access times: who only reads tells nobody.
     *
     * @param there as long a path as {@code here}
     */
    public static Report runAcross(Path here, Path there, long seed) throws IOException {
        Report all = run(PosixSystem.across(here.toString(), there.toString(), seed), here, GROUPS);
        return new Report(
                all.assertions(),
                all.failures().stream()
                        .filter(f -> !f.endsWith(" changes atime"))
                        .toList());
    }

    private static Report run(PosixSystem system, Path directory, List<Function<PosixSystem, Clauses>> groups)
            throws IOException {
        int assertions = 0;
        List<String> failures = new ArrayList<>();
        for (Function<PosixSystem, Clauses> group : groups) {
            Clauses clauses = group.apply(system);
            Path work = Files.createDirectory(directory.resolve("conformance"));
            system.umask(0);
            try {
                system.chmod(work.toString(), 0777);
                clauses.runIn(work.toString());
            } finally {
                system.umask(022);
                deleteTree(work);
            }
            assertions += clauses.assertions();
            failures.addAll(clauses.failures());
        }
        return new Report(assertions, List.copyOf(failures));
    }

    private static void deleteTree(Path root) throws IOException {
        if (Files.isDirectory(root, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            List<Path> children;
            try (var s = Files.list(root)) {
                children = s.toList();
            }
            for (Path c : children) {
                deleteTree(c);
            }
        }
        Files.delete(root);
    }
}
