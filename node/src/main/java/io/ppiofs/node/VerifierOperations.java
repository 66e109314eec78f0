package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.swarm.Verifications;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The operations of the control protocol behind {@code ppiofs verifier}. Thread-safe. */
final class VerifierOperations {
    private final Node node;

    VerifierOperations(Node node) {
        this.node = node;
    }

    /** @throws PpiofsException NOT_SUPPORTED if the operation is none of these; NOT_CONNECTED in no network */
    Map<String, @Nullable Object> handle(Request request) {
        return switch (request.operation()) {
            case "verifier.add" -> verifications().add(request.text("capability"));
            case "verifier.remove" -> verifications().remove(request.text("volume"));
            case "verifier.list" -> {
                Map<String, @Nullable Object> facts = new LinkedHashMap<>();
                facts.put("volumes", verifications().list());
                yield facts;
            }
            default ->
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "node", request.operation(), "is nothing this node can do");
        };
    }

    private Verifications verifications() {
        Verifications kept = node.services().verifications();
        if (kept == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "verifier",
                    "this node",
                    "is in no network; set network.bootstrap and network.name, or start it with 'ppiofs node'");
        }
        return kept;
    }
}
