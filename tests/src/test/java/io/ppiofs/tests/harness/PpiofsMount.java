package io.ppiofs.tests.harness;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** A volume of ppiofs, mounted by the real command with a node process of its own. */
public final class PpiofsMount implements MountedFs {
    public static final String OPTIONS = "allow_other,default_permissions,dev,suid";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final PpiofsCommand command;
    private final String volume;
    private final Path dir;
    private String options = OPTIONS;

    public PpiofsMount(Path home, String volume, Path dir) {
        this(new PpiofsCommand(home), volume, dir);
    }

    public PpiofsMount(PpiofsCommand command, String volume, Path dir) {
        this.command = command;
        this.volume = volume;
        this.dir = dir;
    }

    /** A new home with the volume {@code default}. */
    public static PpiofsMount fresh(Scratch scratch) {
        PpiofsMount mount = new PpiofsMount(scratch.path("h"), "default", scratch.directory("m"));
        scratch.onClose(mount::close);
        return mount;
    }

    public PpiofsMount options(String more) {
        options = more;
        return this;
    }

    public PpiofsCommand command() {
        return command;
    }

    public Path home() {
        return command.home();
    }

    @Override
    public Path dir() {
        return dir;
    }

    /** The mount command, for who wants to see it fail. */
    public Command mountCommand() {
        List<Object> words = new ArrayList<>(List.of("mount"));
        if (!volume.equals("default")) {
            words.add(volume);
        }
        words.addAll(List.of(dir, "-d", "-o", options));
        return command.of(words.toArray()).within(Duration.ofMinutes(2));
    }

    @Override
    public void mount() {
        mountCommand().ok();
        // -d returns only once the mount answers
        if (!MountTable.isMounted(dir) || !Files.isDirectory(dir)) {
            throw new AssertionError("'ppiofs mount -d' returned and " + dir + " does not answer");
        }
    }

    @Override
    public void umount() {
        OptionalLong pid = pid();
        command.of("umount", dir).ok();
        if (MountTable.isMounted(dir)) {
            throw new AssertionError("'ppiofs umount' returned and " + dir + " is still mounted");
        }
        pid.ifPresent(this::awaitEnd);
    }

    /** A node without a mount has nothing to do and ends. */
    public void awaitEnd(long pid) {
        await("the node ends after its last mount").atMost(PATIENCE).until(() -> gone(pid));
    }

    @Override
    public void kill9() {
        if (!kill9IfRunning()) {
            throw new AssertionError("no node runs in " + home());
        }
    }

    /** @return false if no node owned the home */
    public boolean kill9IfRunning() {
        OptionalLong owner = pid();
        if (owner.isEmpty()) {
            return false;
        }
        long pid = owner.getAsLong();
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        await("the killed node is gone").atMost(PATIENCE).until(() -> gone(pid));
        return true;
    }

    /** The process that owns the home now. */
    public OptionalLong pid() {
        Path lock = home().resolve("lock");
        try {
            String text = Files.exists(lock) ? Files.readString(lock).strip() : "";
            if (!text.matches("[0-9]+") || gone(Long.parseLong(text))) {
                return OptionalLong.empty();
            }
            return OptionalLong.of(Long.parseLong(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean gone(long pid) {
        // a zombie that nobody collects is dead as well
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String environment = new String(
                    Files.readAllBytes(Path.of("/proc/" + pid + "/environ")),
                    java.nio.charset.StandardCharsets.ISO_8859_1);
            return stat.contains(") Z ") || !environment.contains(home().toString());
        } catch (IOException e) {
            return true;
        }
    }

    @Override
    public String diagnosis() {
        return pid().isEmpty()
                ? "no node runs"
                : Command.of("jcmd", pid().getAsLong(), "Thread.print").run().out();
    }

    /** {@code ppiofs fsck} finds nothing. */
    public void assertClean() {
        command.of("fsck").within(Duration.ofMinutes(5)).ok();
    }

    @Override
    public void close() {
        if (MountTable.isMounted(dir)) {
            Command.of("umount", dir).within(PATIENCE).run();
        }
        if (MountTable.isMounted(dir)) {
            MountTable.abort(dir);
            Command.of("umount", "-l", dir).run();
        }
        if (!anotherIsMounted()) {
            pid().ifPresent(this::endOrKill);
        }
    }

    /** Then the node lives on, and who closes the last one ends it. */
    private boolean anotherIsMounted() {
        return MountTable.entries().stream()
                .anyMatch(entry ->
                        entry.type().equals("fuse.ppiofs") && entry.mountPoint().startsWith(dir.getParent()));
    }

    private void endOrKill(long pid) {
        try {
            await().atMost(PATIENCE).until(() -> gone(pid));
        } catch (org.awaitility.core.ConditionTimeoutException stillThere) {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
    }
}
