package io.ppiofs.tests.harness;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * An external command with a time limit. Output goes through files, not pipes: a daemon that the command leaves behind
 * would keep a pipe open for ever.
 */
public final class Command {
    private static final Duration DEFAULT_LIMIT = Duration.ofMinutes(2);

    private final List<String> words;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private File directory = new File("/");
    private Duration limit = DEFAULT_LIMIT;
    private String input = "";

    private Command(List<String> words) {
        this.words = words;
    }

    public static Command of(Object... words) {
        return of(List.of(words));
    }

    public static Command of(List<?> words) {
        List<String> strings = new ArrayList<>();
        words.forEach(word -> strings.add(word.toString()));
        return new Command(strings);
    }

    /** A line for {@code sh -e}; {@code $1}, {@code $2} … are the arguments. */
    public static Command shell(String script, Object... arguments) {
        List<Object> words = new ArrayList<>(List.of("bash", "-e", "-o", "pipefail", "-c", script, "test"));
        words.addAll(List.of(arguments));
        return of(words);
    }

    public Command in(Path where) {
        directory = where.toFile();
        return this;
    }

    public Command with(String variable, Object value) {
        environment.put(variable, value.toString());
        return this;
    }

    public Command within(Duration time) {
        limit = time;
        return this;
    }

    public Command input(String text) {
        input = text;
        return this;
    }

    /** What the command left: exit code and both outputs. */
    public record Result(List<String> words, int exit, String out, String err) {
        public Result orFail() {
            if (exit != 0) {
                throw new AssertionError(this);
            }
            return this;
        }

        @Override
        public String toString() {
            return String.join(" ", words) + "\nexit code " + exit + "\n--- stdout\n" + tail(out) + "\n--- stderr\n"
                    + tail(err);
        }

        private static String tail(String text) {
            return text.length() <= 6000 ? text : "…" + text.substring(text.length() - 6000);
        }
    }

    /** Runs it; a non-zero exit code is an {@link AssertionError} that shows the output. */
    public Result ok() {
        return run().orFail();
    }

    /** Runs it; only a broken time limit is an error. */
    public Result run() {
        Running running = start();
        try {
            return running.await(limit);
        } finally {
            running.close();
        }
    }

    /** Starts it in the background; close it to kill what still runs. */
    public Running start() {
        try {
            Path out = Files.createTempFile("ppiofs-out", ".txt");
            Path err = Files.createTempFile("ppiofs-err", ".txt");
            Path in = Files.createTempFile("ppiofs-in", ".txt");
            Files.writeString(in, input);
            ProcessBuilder builder = new ProcessBuilder(words)
                    .directory(directory)
                    .redirectInput(in.toFile())
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            builder.environment().put("LC_ALL", "C.UTF-8");
            builder.environment().putAll(environment);
            return new Running(words, builder.start(), out, err, in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A command in the background. */
    public static final class Running implements AutoCloseable {
        private final List<String> words;
        private final Process process;
        private final Path out;
        private final Path err;
        private final Path in;

        private Running(List<String> words, Process process, Path out, Path err, Path in) {
            this.words = words;
            this.process = process;
            this.out = out;
            this.err = err;
            this.in = in;
        }

        public boolean alive() {
            return process.isAlive();
        }

        public Process process() {
            return process;
        }

        /** What it has written to its standard output so far. */
        public String out() {
            try {
                return Files.readString(out);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        public Result await(Duration limit) {
            try {
                if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new AssertionError("not done after " + limit.toSeconds() + " s: " + result(-1));
                }
                return result(process.exitValue());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting for " + String.join(" ", words), e);
            }
        }

        private Result result(int exit) {
            try {
                return new Result(
                        words,
                        exit,
                        new String(Files.readAllBytes(out), StandardCharsets.UTF_8),
                        new String(Files.readAllBytes(err), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Kills the process and its children if they still run. */
        @Override
        public void close() {
            if (process.isAlive()) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
            try {
                Files.deleteIfExists(out);
                Files.deleteIfExists(err);
                Files.deleteIfExists(in);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
