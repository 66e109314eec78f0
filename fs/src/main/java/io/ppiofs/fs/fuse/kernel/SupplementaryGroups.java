package io.ppiofs.fs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** The groups of a process beside its own one, from /proc/PID/status (proc(5)). */
final class SupplementaryGroups {
    private static final String LINE = "Groups:";

    private SupplementaryGroups() {}

    /** @return none for a process that has gone or cannot be seen from here */
    static Set<Integer> of(int pid) {
        try {
            return Files.readAllLines(Path.of("/proc", Integer.toString(pid), "status"), StandardCharsets.ISO_8859_1)
                    .stream()
                    .filter(l -> l.startsWith(LINE))
                    .flatMap(l ->
                            Arrays.stream(l.substring(LINE.length()).strip().split(" ")))
                    .filter(w -> !w.isEmpty())
                    .map(Integer::parseUnsignedInt)
                    .collect(Collectors.toSet());
        } catch (IOException e) {
            return Set.of(); // the process has gone
        }
    }
}
