package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.swarm.Custodies;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The operations of the control protocol behind {@code ppiofs custody} and {@code ppiofs volume custodian}. Thread-safe. */
final class CustodyOperations {
    private static final int LONGEST_DAYS = 3650;

    private final Node node;

    CustodyOperations(Node node) {
        this.node = node;
    }

    /** @throws PpiofsException NOT_SUPPORTED if the operation is none of these */
    Map<String, @Nullable Object> handle(Request request) {
        return switch (request.operation()) {
            case "custody.add" -> custodies().add(request.text("custody"));
            case "custody.remove" -> custodies().remove(PeerId.parse(request.text("tenant")));
            case "custody.list" -> {
                Map<String, @Nullable Object> facts = new LinkedHashMap<>();
                facts.put("custodies", custodies().list());
                yield facts;
            }
            default ->
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "node", request.operation(), "is nothing this node can do");
        };
    }

    /** Names a custodian of a volume. */
    Map<String, @Nullable Object> name(Request request) {
        String name = node.services().volume(request.text("name")).name();
        PeerId peer = PeerId.parse(request.text("peer"));
        Long days = request.numberOrNull("days");
        if (days == null || days < 1 || days > LONGEST_DAYS) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "custodian", "days", "must be a number from 1 to " + LONGEST_DAYS);
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("name", name);
        facts.put("custodian", peer.toString());
        facts.put("days", days);
        facts.put(
                "custody",
                node.services().custodian(name, MountRequest.unlockOf(request), peer, Duration.ofDays(days)));
        return facts;
    }

    private Custodies custodies() {
        NetworkService joined = node.network();
        Custodies kept = joined == null ? null : joined.custodies();
        if (kept == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "custody",
                    "this node",
                    "is in no network; set network.bootstrap and network.name, or start it with 'ppiofs node'");
        }
        return kept;
    }
}
