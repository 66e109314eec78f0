package io.ppiofs.proofs.work;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** A process that works on a directory until it is killed at any point of any step. */
public final class KilledProcess {
    /** A kill comes at any point of a step: so long after a line. */
    private static final long LONGEST_SPIN_NANOS = 40_000_000L;

    private KilledProcess() {}

    /**
     * Runs {@code life}'s main with the directory and a seed. It says {@code ready} and then a line after each step.
     *
     * @param maxSteps after at most so many it is killed
     * @param heard gets each line but the first
     */
    public static void run(Class<?> life, Path directory, SplittableRandom random, int maxSteps, Consumer<String> heard)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--add"))
                .forEach(command::add);
        command.addAll(List.of(
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                life.getName(),
                directory.toString(),
                Long.toString(random.nextLong())));
        // newer virtual machines warn on standard error
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        int steps = 1 + random.nextInt(maxSteps);
        long spin = random.nextLong(LONGEST_SPIN_NANOS);
        try (BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), US_ASCII))) {
            assertThat(out.readLine()).isEqualTo("ready");
            for (int i = 0; i < steps; i++) {
                heard.accept(out.readLine());
            }
            long until = System.nanoTime() + spin;
            while (System.nanoTime() < until) {
                Thread.onSpinWait();
            }
            // by its handle: the process would close the stream that still has its last words
            process.toHandle().destroyForcibly();
            process.waitFor();
            String line = out.readLine();
            while (line != null) {
                heard.accept(line);
                line = out.readLine();
            }
        } finally {
            process.destroyForcibly();
        }
    }
}
