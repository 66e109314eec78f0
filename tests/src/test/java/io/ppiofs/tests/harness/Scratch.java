package io.ppiofs.tests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * A directory of one test class, with everything that must not outlive it. Closing it runs what was given to {@link
 * #onClose} in reverse order, takes away every mount below the directory, kills what still runs with its
 * home there, and deletes the files. A JVM that is stopped in the middle does the same.
 */
public final class Scratch implements AutoCloseable {
    private final Path root;
    private final Deque<Runnable> cleanups = new ArrayDeque<>();
    private final AtomicInteger counter = new AtomicInteger();
    private final Thread hook = new Thread(this::cleanUp, "scratch-clean-up");
    private boolean closed;

    private Scratch(Path root) {
        this.root = root;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    public static Scratch open(String name) {
        try {
            return new Scratch(Files.createTempDirectory("ppiofs-" + name + "-").toRealPath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path root() {
        return root;
    }

    /** A new directory that nobody else gets. */
    public Path directory(String name) {
        try {
            Path made = Files.createDirectory(root.resolve(name + counter.incrementAndGet()));
            // other users walk through the scratch directory to the mounts
            Command.of("chmod", "755", root, made).ok();
            return made;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A path that nobody else gets and where nothing is. */
    public Path path(String name) {
        return root.resolve(name + counter.incrementAndGet());
    }

    public synchronized void onClose(Runnable cleanup) {
        cleanups.push(cleanup);
    }

    @Override
    public void close() {
        cleanUp();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // then the hook itself has done, or is doing, the work
            return;
        }
    }

    private synchronized void cleanUp() {
        if (closed) {
            return;
        }
        closed = true;
        while (!cleanups.isEmpty()) {
            cleanups.pop().run();
        }
        killWhatLivesHere();
        unmountWhatIsLeft();
        delete();
    }

    /** Only processes of ours: their environment or command line names this directory. */
    private void killWhatLivesHere() {
        long self = ProcessHandle.current().pid();
        ProcessHandle.allProcesses()
                .filter(process -> process.pid() != self && names(process.pid(), root.toString()))
                .forEach(ProcessHandle::destroyForcibly);
    }

    private static boolean names(long pid, String text) {
        return contains(Path.of("/proc/" + pid + "/environ"), text)
                || contains(Path.of("/proc/" + pid + "/cmdline"), text);
    }

    private static boolean contains(Path file, String text) {
        try {
            return new String(Files.readAllBytes(file), java.nio.charset.StandardCharsets.ISO_8859_1).contains(text);
        } catch (IOException gone) {
            return false; // the process ended, or is not ours to look at
        }
    }

    private void unmountWhatIsLeft() {
        List<Path> left = MountTable.entries().stream()
                .map(MountTable.Entry::mountPoint)
                .filter(point -> point.startsWith(root))
                .collect(Collectors.toList());
        Collections.reverse(left);
        for (Path point : left) {
            MountTable.abort(point);
            Command.of("umount", "-l", point).run();
        }
    }

    private void delete() {
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path directory, IOException e) throws IOException {
                    Files.delete(directory);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete " + root, e);
        }
    }
}
