package io.ppiofs.tests.crash;

import io.ppiofs.tests.crash.Change.Create;
import io.ppiofs.tests.crash.Change.Fsync;
import io.ppiofs.tests.crash.Change.OfData;
import io.ppiofs.tests.crash.Change.OfNamespace;
import io.ppiofs.tests.crash.Change.OfSync;
import io.ppiofs.tests.crash.Change.Rename;
import io.ppiofs.tests.crash.Change.SyncAll;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Holds what was found against what the workers did. */
final class CrashChecker {
    private final List<List<Step>> workers;
    private final List<Observed> found;

    CrashChecker(List<List<Step>> workers, List<Observed> found) {
        this.workers = workers;
        this.found = found;
    }

    /** @return how many steps of each worker's namespace survived; an {@link AssertionError} if nothing explains it */
    List<Integer> check() {
        List<TreeSet<Integer>> candidates = new ArrayList<>();
        for (int w = 0; w < workers.size(); w++) {
            candidates.add(matching(w));
        }
        List<Integer> cut = consistentCut(candidates);
        for (int w = 0; w < workers.size(); w++) {
            checkData(w, cut.get(w));
        }
        return cut;
    }

    /** The start of the last sync of anything that was answered. */
    private long lastSync() {
        return workers.stream()
                .flatMap(List::stream)
                .filter(step -> step.completed() && step.change() instanceof OfSync)
                .mapToLong(Step::start)
                .max()
                .orElse(Long.MIN_VALUE);
    }

    /** After how many steps the names were what they are now. */
    private TreeSet<Integer> matching(int w) {
        List<Step> steps = workers.get(w);
        Map<Long, Long> inos = inos(steps);
        int required = countBefore(steps, lastSync());
        TreeSet<Integer> matches = new TreeSet<>();
        Namespace names = new Namespace();
        String nearest = "";
        int fewest = Integer.MAX_VALUE;
        for (int k = 0; k <= steps.size(); k++) {
            if (k >= required) {
                List<String> differences = differences(names, found.get(w), inos);
                if (differences.isEmpty()) {
                    matches.add(k);
                } else if (differences.size() <= fewest) {
                    fewest = differences.size();
                    nearest = "after " + k + " steps: " + differences.subList(0, Math.min(8, differences.size()));
                }
            }
            if (k < steps.size() && steps.get(k).change() instanceof OfNamespace change) {
                names.apply(change);
            }
        }
        if (matches.isEmpty()) {
            throw new AssertionError("worker " + w + ": its names are those of no prefix of its " + steps.size()
                    + " steps with at least " + required + " (everything before the last fsync of anything); nearest "
                    + nearest + ". Steps around: " + around(steps, required) + " … last: "
                    + around(steps, steps.size()));
        }
        return matches;
    }

    private static List<String> around(List<Step> steps, int k) {
        return steps.subList(Math.max(0, k - 4), Math.min(steps.size(), k + 4)).stream()
                .map(step -> (step.version() - 1) + ":" + step.change() + (step.completed() ? "" : " in flight"))
                .toList();
    }

    private static int countBefore(List<Step> steps, long moment) {
        int count = 0;
        while (count < steps.size() && steps.get(count).endedBefore(moment)) {
            count++;
        }
        return count;
    }

    private static Map<Long, Long> inos(List<Step> steps) {
        Map<Long, Long> inos = new HashMap<>();
        for (Step step : steps) {
            if (step.change() instanceof Create create && step.ino() != 0) {
                inos.put(create.file(), step.ino());
            }
        }
        return inos;
    }

    private static List<String> differences(Namespace names, Observed observed, Map<Long, Long> inos) {
        List<String> differences = new ArrayList<>();
        TreeSet<String> paths = new TreeSet<>(names.entries().keySet());
        paths.addAll(observed.entries().keySet());
        for (String path : paths) {
            Namespace.Entry wanted = names.entries().get(path);
            Observed.Found got = observed.entries().get(path);
            if (wanted == null || got == null) {
                differences.add(path + (wanted == null ? " is there" : " is missing"));
            } else if (!same(wanted, got, inos.get(wanted.file()))) {
                differences.add(path + " is " + got.kind() + " ino " + got.ino() + " mode "
                        + Integer.toOctalString(got.mode()) + " tag " + got.tag() + " " + got.target() + ", not "
                        + wanted + " ino " + inos.get(wanted.file()));
            } else if (got.kind() == Namespace.Kind.FILE && got.nlink() != namesOf(names, wanted.file())) {
                differences.add(path + " has link count " + got.nlink());
            }
        }
        return differences;
    }

    private static boolean same(
            Namespace.Entry wanted, Observed.Found got, @org.jspecify.annotations.Nullable Long ino) {
        return wanted.kind() == got.kind()
                && wanted.target().equals(got.target())
                && wanted.mode() == got.mode()
                && wanted.tag() == got.tag()
                && (ino == null || ino == got.ino());
    }

    private static long namesOf(Namespace names, long file) {
        return names.entries().values().stream()
                .filter(entry -> entry.kind() == Namespace.Kind.FILE && entry.file() == file)
                .count();
    }

    /**
     * One total order: if a step survived, then every step of the others that was answered before it began survived
     * too. Takes the smallest cut that satisfies this.
     */
    private List<Integer> consistentCut(List<TreeSet<Integer>> candidates) {
        List<Integer> cut = new ArrayList<>();
        candidates.forEach(options -> cut.add(options.first()));
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int a = 0; a < cut.size(); a++) {
                int required = cut.get(a);
                for (int b = 0; b < cut.size(); b++) {
                    required = Math.max(required, countBefore(workers.get(a), lastStart(workers.get(b), cut.get(b))));
                }
                Integer raised = candidates.get(a).ceiling(required);
                if (raised == null) {
                    throw new AssertionError(
                            "worker " + a + ": only " + candidates.get(a).last()
                                    + " steps survived, but a later step of another worker did, so " + required
                                    + " had to; cut " + cut);
                }
                changed |= !raised.equals(cut.set(a, raised));
            }
        }
        return cut;
    }

    /** When the last surviving namespace step began. */
    private static long lastStart(List<Step> steps, int cut) {
        for (int i = cut - 1; i >= 0; i--) {
            if (steps.get(i).change() instanceof OfNamespace) {
                return steps.get(i).start();
            }
        }
        return Long.MIN_VALUE;
    }

    private void checkData(int w, int cut) {
        List<Step> steps = workers.get(w);
        Map<Long, FileHistory> histories = new HashMap<>();
        for (int i = 0; i < steps.size(); i++) {
            if (steps.get(i).change() instanceof OfData data) {
                histories
                        .computeIfAbsent(data.file(), file -> new FileHistory())
                        .add(i, data, steps.get(i).version());
            }
        }
        Map<Long, Integer> required = requiredData(steps, cut);
        // truncate-rewrite: the new bytes are durable in the commit that makes the truncation so
        int settled = countBefore(steps, lastSync());
        Namespace names = new Namespace();
        steps.subList(0, cut).forEach(step -> {
            if (step.change() instanceof OfNamespace change) {
                names.apply(change);
            }
        });
        found.get(w).entries().forEach((path, got) -> {
            if (got.kind() == Namespace.Kind.FILE) {
                long file = names.fileAt(path);
                checkFile("worker " + w + " " + path, file, got, histories, required.getOrDefault(file, 0), settled);
            }
        });
    }

    private static void checkFile(
            String name, long file, Observed.Found got, Map<Long, FileHistory> histories, int required, int settled) {
        if (got.file() != 0 && got.file() != file) {
            throw new AssertionError(name + " has the bytes of file " + got.file() + ", not of " + file);
        }
        FileHistory history = histories.getOrDefault(file, new FileHistory());
        if (!history.explains(got.versions(), required, settled)) {
            throw new AssertionError(name + " (file " + file + ", " + got.size() + " bytes) is "
                    + FileHistory.describe(got.versions()) + ": no prefix of its writes that contains all before step "
                    + required + " gives that; its writes: " + history);
        }
    }

    /** For each file the number of steps of its worker whose data must be there. */
    private Map<Long, Integer> requiredData(List<Step> steps, int cut) {
        Map<Long, Integer> required = new HashMap<>();
        long lastSyncAll = workers.stream()
                .flatMap(List::stream)
                .filter(step -> step.completed() && step.change() instanceof SyncAll)
                .mapToLong(Step::start)
                .max()
                .orElse(Long.MIN_VALUE);
        Namespace names = new Namespace();
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            if (step.completed() && step.change() instanceof Fsync fsync) {
                required.merge(fsync.file(), i, Math::max);
            } else if (step.change() instanceof Rename rename && rename.over() && i < cut) {
                // rename-over: the new name never shows less than what was written before
                required.merge(names.fileAt(rename.from()), i, Math::max);
            }
            if (step.change() instanceof OfData data && step.endedBefore(lastSyncAll)) {
                required.merge(data.file(), i + 1, Math::max);
            }
            if (step.change() instanceof OfNamespace change) {
                names.apply(change);
            }
        }
        return required;
    }
}
