package io.ppiofs.tests.harness;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A process that executes file operations one by one inside a directory and under credentials of its own, with the raw
 * answers of the system calls (see {@code native/opexec.c}). One thread at a time may use it.
 */
public final class OpExecutor implements AutoCloseable {
    private static final String ENDED = "! the executor ended";
    /** Longer than any honest answer: behind it the file system hangs. */
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Process process;
    private final BufferedWriter requests;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
    /** No more answers will come; a dying process may still have its end of the pipe open, and take a request. */
    private volatile boolean ended;

    private OpExecutor(Process process) {
        this.process = process;
        this.requests =
                new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.US_ASCII));
        Thread reader = new Thread(this::read, "answers");
        reader.setDaemon(true);
        reader.start();
    }

    /** An operation got no answer. */
    public static final class Hanging extends AssertionError {
        private static final long serialVersionUID = 1L;

        Hanging(String message) {
            super(message);
        }
    }

    /** Who an executor is. */
    public record Credentials(int uid, int gid, List<Integer> groups) {
        public static final Credentials ROOT = new Credentials(0, 0, List.of());
    }

    /** @param root becomes the executor's root directory */
    public static OpExecutor start(Path program, Path root, Credentials who) {
        List<String> words = new ArrayList<>(
                List.of(program.toString(), root.toString(), Integer.toString(who.uid()), Integer.toString(who.gid())));
        who.groups().forEach(group -> words.add(Integer.toString(group)));
        try {
            OpExecutor executor = new OpExecutor(new ProcessBuilder(words)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
            String hello = executor.receive("start");
            if (!hello.equals("= ready")) {
                throw new AssertionError("executor in " + root + " says " + hello);
            }
            return executor;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One operation and its answer: {@code "= value"} or {@code "! ERRNO"}. */
    public String call(String operation) {
        send(operation);
        return receive(operation);
    }

    public void send(String operation) {
        if (ended) {
            answers.add(ENDED);
            return;
        }
        try {
            requests.write(operation);
            requests.write('\n');
            requests.flush();
        } catch (IOException e) {
            answers.add(ENDED);
        }
    }

    /** Whether an answer says that there is no process any more that could give one. */
    public static boolean isEnd(String answer) {
        return answer.equals(ENDED);
    }

    /** @param operation for the message when no answer comes */
    public String receive(String operation) {
        try {
            String answer = answers.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            if (answer == null) {
                throw new Hanging("no answer for " + PATIENCE.toSeconds() + " s, the file system hangs in: " + operation
                        + whereItIs());
            }
            return answer;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted in " + operation, e);
        }
    }

    /** What the kernel says about the waiting process. */
    private String whereItIs() {
        return Command.shell(
                        "cd /proc/$1 || { echo; echo it is dead; exit; }; echo; "
                                + "for f in wchan syscall stack status; do echo \"$f: $(cat $f)\"; done",
                        process.pid())
                .run()
                .out();
    }

    private void read() {
        try (BufferedReader in =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                answers.add(line);
            }
        } catch (IOException closed) {
            // as at the end
        }
        ended = true;
        answers.add(ENDED);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            // its open files must be closed before anybody unmounts
            process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
