package io.ppiofs.tests.harness;

import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Somebody else's FUSE file system, to check the tests themselves. */
public final class ForeignFuseMount implements MountedFs {
    private final List<Object> command;
    private final Path dir;

    private ForeignFuseMount(List<Object> command, Path dir) {
        this.command = command;
        this.dir = dir;
    }

    public static ForeignFuseMount bindfs(Path backing, Path dir) {
        return new ForeignFuseMount(
                List.of("bindfs", "-o", "allow_other,default_permissions,dev,suid", backing, dir), dir);
    }

    /** Makes a new volume in {@code backing}. */
    public static ForeignFuseMount gocryptfs(Path backing, Path dir) {
        List<String> key = List.of("-extpass", "echo", "-extpass", "secret");
        List<Object> init = new ArrayList<>(List.of("gocryptfs", "-q", "-init", "-scryptn", "10"));
        init.addAll(key);
        init.add(backing);
        Command.of(init).ok();
        List<Object> mount = new ArrayList<>(List.of("gocryptfs", "-q", "-nosyslog", "-allow_other", "-dev", "-suid"));
        mount.addAll(key);
        mount.addAll(List.of(backing, dir));
        return new ForeignFuseMount(mount, dir);
    }

    @Override
    public Path dir() {
        return dir;
    }

    @Override
    public void mount() {
        Command.of(command).ok();
        await().atMost(Duration.ofSeconds(10)).until(() -> MountTable.isMounted(dir));
    }

    @Override
    public void umount() {
        Command.of("umount", dir).ok();
        await().atMost(Duration.ofSeconds(10)).until(() -> daemon() < 0);
    }

    @Override
    public void kill9() {
        long pid = daemon();
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        await().atMost(Duration.ofSeconds(10)).until(() -> ProcessHandle.of(pid).isEmpty());
        Command.of("umount", "-l", dir).ok();
    }

    /** The process whose command line ends in our mount point, or -1. */
    private long daemon() {
        return ProcessHandle.allProcesses()
                .filter(process -> process.info()
                        .arguments()
                        .filter(words -> words.length > 0 && words[words.length - 1].equals(dir.toString()))
                        .isPresent())
                .mapToLong(ProcessHandle::pid)
                .findFirst()
                .orElse(-1);
    }

    @Override
    public void close() {
        if (MountTable.isMounted(dir)) {
            Command.of("umount", "-l", dir).run();
        }
    }
}
