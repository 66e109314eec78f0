package io.ppiofs.tests.crash;

import io.ppiofs.tests.crash.Change.ChangeMode;
import io.ppiofs.tests.crash.Change.Create;
import io.ppiofs.tests.crash.Change.Fsync;
import io.ppiofs.tests.crash.Change.FsyncDirectory;
import io.ppiofs.tests.crash.Change.Link;
import io.ppiofs.tests.crash.Change.MakeDirectory;
import io.ppiofs.tests.crash.Change.OfNamespace;
import io.ppiofs.tests.crash.Change.RemoveDirectory;
import io.ppiofs.tests.crash.Change.Rename;
import io.ppiofs.tests.crash.Change.Rewrite;
import io.ppiofs.tests.crash.Change.Symlink;
import io.ppiofs.tests.crash.Change.Tag;
import io.ppiofs.tests.crash.Change.Truncate;
import io.ppiofs.tests.crash.Change.Unlink;
import io.ppiofs.tests.crash.Change.Write;
import io.ppiofs.tests.harness.OpExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** One process that changes its own directory step by step until the file system dies or it is told to stop. */
final class CrashWorker implements Runnable {
    private static final int MOST_FILES = 30;
    private static final int MOST_DIRECTORIES = 5;
    private static final int LONGEST_FILE = 8192;
    private static final String READ_WRITE = " 02 ";
    private static final String CREATE_NEW = " 0302 ";
    private static final String TRUNCATED = " 01002 ";

    /** How a worker works. */
    enum Habit {
        SYNCS_OFTEN,
        SYNCS_SELDOM,
        NEVER_SYNCS
    }

    private final OpExecutor executor;
    private final Random random;
    private final Habit habit;
    private final AtomicBoolean dying;
    private final AtomicBoolean stop;
    private final AtomicInteger progress;
    private final Namespace names = new Namespace();
    private final List<Step> steps = new ArrayList<>();
    private final long firstFile;
    private long ino;
    private int counter;
    private String failure = "";

    /**
     * @param executor in the worker's own, empty directory
     * @param firstFile number of its first file; no other worker of the volume uses this one or the million behind it
     * @param dying set before the daemon is killed: from then on errors are expected
     * @param progress counts the steps of all workers
     */
    CrashWorker(
            OpExecutor executor,
            long seed,
            Habit habit,
            long firstFile,
            AtomicBoolean dying,
            AtomicBoolean stop,
            AtomicInteger progress) {
        this.executor = executor;
        this.random = new Random(seed);
        this.habit = habit;
        this.firstFile = firstFile;
        this.dying = dying;
        this.stop = stop;
        this.progress = progress;
    }

    /** What it did, in order; only after its thread has ended. */
    List<Step> steps() {
        return steps;
    }

    /** An error that came before the crash, or empty. */
    String failure() {
        return failure;
    }

    @Override
    public void run() {
        while (!stop.get()) {
            if (!step(choose())) {
                return;
            }
        }
    }

    private boolean step(Change change) {
        int version = steps.size() + 1;
        ino = 0;
        long start = System.nanoTime();
        String answer = execute(change, version);
        boolean done = answer.startsWith("=");
        progress.incrementAndGet();
        steps.add(new Step(change, version, start, done ? System.nanoTime() : Step.NEVER, ino));
        if (!done && !dying.get()) {
            failure = change + " failed with " + answer + " before the crash";
        }
        if (done && change instanceof OfNamespace changed) {
            names.apply(changed);
        }
        return done;
    }

    private String execute(Change change, int version) {
        if (change instanceof Create create) {
            return withFile(create.path(), CREATE_NEW, this::learnIno);
        } else if (change instanceof Write write) {
            return withFile(write.path(), READ_WRITE, () -> cells(write.file(), version, write.first(), write.count()));
        } else if (change instanceof Rewrite rewrite) {
            return withFile(rewrite.path(), TRUNCATED, () -> cells(rewrite.file(), version, 0, rewrite.count()));
        } else if (change instanceof Truncate truncate) {
            return executor.call("truncate /" + truncate.path() + " " + truncate.cells() * 64L);
        } else if (change instanceof Fsync fsync) {
            return withFile(
                    fsync.path(), READ_WRITE, () -> executor.call(fsync.dataOnly() ? "fdatasync 0" : "fsync 0"));
        } else if (change instanceof FsyncDirectory fsync) {
            return withFile(fsync.path(), " 0200000 ", () -> executor.call("fsync 0"));
        }
        return executor.call(line(change));
    }

    private static String line(Change change) {
        if (change instanceof MakeDirectory make) {
            return "mkdir /" + make.path() + " 0755";
        } else if (change instanceof Symlink symlink) {
            return "symlink " + symlink.target() + " /" + symlink.path();
        } else if (change instanceof Link link) {
            return "link /" + link.from() + " /" + link.to() + " 0";
        } else if (change instanceof Rename rename) {
            return "rename /" + rename.from() + " /" + rename.to() + " 0";
        } else if (change instanceof Unlink unlink) {
            return "unlink /" + unlink.path();
        } else if (change instanceof RemoveDirectory remove) {
            return "rmdir /" + remove.path();
        } else if (change instanceof ChangeMode chmod) {
            return "chmod /" + chmod.path() + " 0" + Integer.toOctalString(chmod.mode());
        } else if (change instanceof Tag tag) {
            return "setxattr /" + tag.path() + " user.tag " + tag.tag() + " 1 0";
        }
        throw new IllegalArgumentException(change.toString());
    }

    private interface Answer {
        String get();
    }

    private String withFile(String path, String flags, Answer work) {
        String answer = executor.call("open 0 /" + path + flags + "0644");
        if (answer.startsWith("=")) {
            answer = work.get();
        }
        String closed = executor.call("close 0");
        return answer.startsWith("=") ? closed : answer;
    }

    private String learnIno() {
        String answer = executor.call("ino 0");
        if (answer.startsWith("= ")) {
            ino = Long.parseLong(answer.substring(2));
        }
        return answer;
    }

    private String cells(long file, int version, int first, int count) {
        return executor.call("cells 0 " + file + " " + version + " " + first + " " + count);
    }

    private Change choose() {
        List<String> files = names.paths(Namespace.Kind.FILE);
        List<String> directories = names.paths(Namespace.Kind.DIRECTORY);
        if (files.size() < 3) {
            return create();
        }
        String file = any(files);
        int dice = random.nextInt(100);
        if (dice < 8) {
            return directories.size() < MOST_DIRECTORIES ? new MakeDirectory(fresh("d")) : shrink(directories, file);
        } else if (dice < 24) {
            return files.size() < MOST_FILES ? create() : new Unlink(file);
        } else if (dice < 56) {
            return data(file);
        } else if (dice < 84) {
            return rename(files, directories, file);
        } else if (dice < 92) {
            return random.nextBoolean()
                    ? new ChangeMode(file, 0600 + random.nextInt(64))
                    : new Tag(file, 1 + random.nextInt(200));
        }
        return sync(directories, file);
    }

    private Change create() {
        counter++;
        return new Create(fresh("f"), firstFile + counter);
    }

    private Change shrink(List<String> directories, String file) {
        for (String directory : directories) {
            if (names.isEmptyDirectory(directory)) {
                return new RemoveDirectory(directory);
            }
        }
        return new Unlink(file);
    }

    private Change data(String path) {
        long file = names.fileAt(path);
        return switch (random.nextInt(12)) {
            case 0 -> new Truncate(path, file, random.nextInt(600));
            case 1, 2, 3 -> new Rewrite(path, file, 1 + random.nextInt(400));
            case 4 -> new Write(path, file, random.nextInt(LONGEST_FILE / 2), 1 + random.nextInt(LONGEST_FILE / 2));
            default -> new Write(path, file, random.nextInt(300), 1 + random.nextInt(200));
        };
    }

    private Change rename(List<String> files, List<String> directories, String file) {
        switch (random.nextInt(8)) {
            case 0:
                return new Link(file, fresh("l"));
            case 1:
                return new Symlink("target" + random.nextInt(100), fresh("s"));
            case 2:
                List<String> links = names.paths(Namespace.Kind.SYMLINK);
                return links.isEmpty() ? new Unlink(file) : new Unlink(any(links));
            case 3:
                return directories.isEmpty()
                        ? new Rename(file, fresh("f"), false)
                        // to the top: never into itself
                        : new Rename(any(directories), "d" + counter++, false);
            case 4, 5, 6:
                String target = any(files);
                // two names of one file: rename does nothing
                return names.fileAt(target) == names.fileAt(file)
                        ? new Rename(file, fresh("f"), false)
                        : new Rename(file, target, true);
            default:
                return new Rename(file, fresh("f"), false);
        }
    }

    private Change sync(List<String> directories, String file) {
        int dice = random.nextInt(20);
        boolean wants = habit == Habit.SYNCS_OFTEN || (habit == Habit.SYNCS_SELDOM && dice < 4);
        if (!wants) {
            return data(file);
        } else if (dice < 2 && !directories.isEmpty()) {
            return new FsyncDirectory(any(directories));
        }
        return new Fsync(file, names.fileAt(file), random.nextBoolean());
    }

    private String any(List<String> paths) {
        return paths.get(random.nextInt(paths.size()));
    }

    private String fresh(String prefix) {
        List<String> directories = names.paths(Namespace.Kind.DIRECTORY);
        String folder = directories.isEmpty() || random.nextInt(3) == 0 ? "" : any(directories) + "/";
        // directories stay flat, so that moving one can never make a cycle
        String parent = prefix.equals("d") ? "" : folder;
        return parent + prefix + counter++;
    }
}
