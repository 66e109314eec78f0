package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.Node;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Handler;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a command reaches the node of a home: the running one, or one that it is itself for one request. */
final class NodeAccess {
    private final Home home;
    private final Surroundings surroundings;

    NodeAccess(Home home, Surroundings surroundings) {
        this.home = home;
        this.surroundings = surroundings;
    }

    Home home() {
        return home;
    }

    /** @return null if no node runs */
    @Nullable
    ControlClient connect() {
        return ControlClient.connect(home.socket());
    }

    /** Asks the running node. @return null if none runs */
    @Nullable
    Map<?, ?> askRunning(Request request) throws IOException {
        try (ControlClient client = connect()) {
            return client == null ? null : client.call(request);
        }
    }

    /** Asks the running node. @throws PpiofsException NOT_CONNECTED if none runs */
    Map<?, ?> askNetworked(Request request) throws IOException {
        Map<?, ?> answer = askRunning(request);
        if (answer == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "network",
                    home.toString(),
                    "no node runs here; 'ppiofs node --listen /ip4/0.0.0.0/tcp/4001' starts one");
        }
        return answer;
    }

    /** As {@link #ask}, and shows how far it is. */
    Map<?, ?> askShowing(Request request) throws IOException, InterruptedException {
        Progress progress = ProgressBars.on(surroundings);
        try {
            return ask(request, progress);
        } finally {
            ProgressBars.end(progress);
        }
    }

    /** Asks the running node, or opens the home for this one request. */
    Map<?, ?> ask(Request request, Progress progress) throws IOException, InterruptedException {
        try (ControlClient client = connect()) {
            if (client != null) {
                return client.call(request, progress, message -> {});
            }
        }
        try (Node node = Node.own(home, Node.Life.untilStopped(null), surroundings.services())) {
            return node.handler().handle(request, new Alone(progress));
        } catch (PpiofsException e) {
            ControlClient client = e.kind() == ErrorKind.IN_USE ? connect() : null;
            if (client == null) {
                throw e;
            }
            // another command started a node between our look and our lock
            try (client) {
                return client.call(request, progress, message -> {});
            }
        }
    }

    /** The asker when node and command are one process: nobody can go away. */
    record Alone(Progress progress) implements Handler.Asker {
        @Override
        public void report(String task, long done, long total) {
            progress.report(task, done, total);
        }

        @Override
        public void onGone(Runnable action) {
            // the node ends with the command
        }

        @Override
        public void tell(Map<String, ?> message) {
            // the caller sees the answer
        }
    }
}
