package io.ppiofs.tests.model;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.OpExecutor;
import io.ppiofs.tests.harness.OpExecutor.Credentials;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One fresh directory on each side, and on each side the same processes at work in it. Not thread-safe. */
final class DifferentialRun implements AutoCloseable {
    /** Who works: root, and two users who share a group. */
    static final List<Credentials> PROCESSES = List.of(
            Credentials.ROOT,
            new Credentials(1001, 1001, List.of(2000)),
            new Credentials(1002, 1002, List.of(2000)),
            Credentials.ROOT);

    /** Directories of each process, then one for all with the sticky bit and one for the group. */
    static final List<String> SHARED = List.of("/shared", "/team");

    private final Path onMount;
    private final Path onReference;
    private final List<OpExecutor> mount = new ArrayList<>();
    private final List<OpExecutor> reference = new ArrayList<>();

    DifferentialRun(Path program, Path mountParent, Path referenceParent, String name) {
        onMount = mountParent.resolve(name);
        onReference = referenceParent.resolve(name);
        prepare(onMount);
        prepare(onReference);
        for (Credentials who : PROCESSES) {
            mount.add(OpExecutor.start(program, onMount, who));
            reference.add(OpExecutor.start(program, onReference, who));
        }
    }

    static String own(int process) {
        return "/own" + process;
    }

    private static void prepare(Path root) {
        Command.shell(
                        "umask 022; mkdir \"$1\"; cd \"$1\"; mkdir shared team; chmod 1777 shared; chgrp 2000 team; "
                                + "chmod 2775 team",
                        root)
                .ok();
        for (int i = 0; i < PROCESSES.size(); i++) {
            Path own = root.resolve("own" + i);
            Command.of("mkdir", own).ok();
            Command.of("chown", PROCESSES.get(i).uid() + ":" + PROCESSES.get(i).gid(), own)
                    .ok();
        }
    }

    Path onMount() {
        return onMount;
    }

    Path onReference() {
        return onReference;
    }

    /** Both answers to one operation. */
    record Answers(String mount, String reference) {
        boolean differ() {
            return !mount.equals(reference);
        }
    }

    /** Executes on both sides at once. */
    Answers execute(Operation operation) {
        OpExecutor left = mount.get(operation.process());
        OpExecutor right = reference.get(operation.process());
        left.send(operation.line());
        right.send(operation.line());
        return new Answers(answer(left, operation), answer(right, operation));
    }

    String executeOnReference(Operation operation) {
        return execute(reference, operation);
    }

    String executeOnMount(Operation operation) {
        return execute(mount, operation);
    }

    private static String execute(List<OpExecutor> executors, Operation operation) {
        OpExecutor executor = executors.get(operation.process());
        executor.send(operation.line());
        return answer(executor, operation);
    }

    /** Two that have died would agree on everything. */
    private static String answer(OpExecutor executor, Operation operation) {
        String answer = executor.receive(operation.line());
        if (OpExecutor.isEnd(answer)) {
            throw new AssertionError("the executor died in " + operation);
        }
        return answer;
    }

    /** @return the index of the first operation whose answers differ */
    Optional<Integer> replay(List<Operation> operations) {
        for (int i = 0; i < operations.size(); i++) {
            if (execute(operations.get(i)).differ()) {
                return Optional.of(i);
            }
        }
        return Optional.empty();
    }

    /** Ends the processes, and with them their open files; the trees stay. */
    @Override
    public void close() {
        mount.forEach(OpExecutor::close);
        reference.forEach(OpExecutor::close);
    }
}
