package io.ppiofs.fs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the kernel's request does not tell of the thread that waits for the answer, from /proc (proc(5),
 * proc_pid_syscall(5)). Costs a file read each; asked only where an answer depends on it.
 */
final class CallingThread {
    private static final String GROUPS = "Groups:";

    /** chown, fchown, lchown, fchownat; fchownat, fchown (arch/x86/entry/syscalls, include/uapi/asm-generic/unistd.h). */
    private static final Set<String> CHANGE_OWNER =
            System.getProperty("os.arch").equals("aarch64") ? Set.of("54", "55") : Set.of("92", "93", "94", "260");

    private CallingThread() {}

    /** @return its groups beside its own one; none for a thread that has gone or cannot be seen from here */
    static Set<Integer> groups(int tid) {
        return text(tid, "status")
                .map(status -> status.lines()
                        .filter(l -> l.startsWith(GROUPS))
                        .flatMap(l -> Arrays.stream(
                                l.substring(GROUPS.length()).strip().split(" ")))
                        .filter(w -> !w.isEmpty())
                        .map(Integer::parseUnsignedInt)
                        .collect(Collectors.toSet()))
                .orElse(Set.of());
    }

    /** @return whether it waits in chown(2) or a relative; empty where the kernel does not show it */
    static Optional<Boolean> changesOwner(int tid) {
        return text(tid, "syscall")
                .map(line -> line.strip().split(" ")[0])
                .filter(word -> !word.isEmpty() && Character.isDigit(word.charAt(0)))
                .map(CHANGE_OWNER::contains);
    }

    private static Optional<String> text(int tid, String name) {
        try {
            return Optional.of(
                    Files.readString(Path.of("/proc", Integer.toString(tid), name), StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            return Optional.empty(); // it has gone, or is another user's
        }
    }
}
