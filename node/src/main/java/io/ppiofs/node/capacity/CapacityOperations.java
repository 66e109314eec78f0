package io.ppiofs.node.capacity;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.lpoc.CapacityStatement;
import io.ppiofs.proofs.lpoc.LedgerChanges;
import io.ppiofs.proofs.lpoc.SpaceChallenge;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The operations of the control protocol behind {@code ppiofs capacity}. Thread-safe. */
public final class CapacityOperations {
    private final Supplier<@Nullable IdleKeeper> keeper;
    private final Supplier<@Nullable CapacityChecks> checks;

    /**
     * @param keeper of this node's own idle space, while it lends
     * @param checks of others', while it is in a network
     */
    public CapacityOperations(Supplier<@Nullable IdleKeeper> keeper, Supplier<@Nullable CapacityChecks> checks) {
        this.keeper = keeper;
        this.checks = checks;
    }

    /** @throws PpiofsException NOT_SUPPORTED if the operation is none of these; NOT_CONNECTED if the node lends nothing */
    public Map<String, @Nullable Object> handle(Request request, Progress progress) {
        return switch (request.operation()) {
            case "capacity.list" -> list(lending());
            case "capacity.fill" -> fill(request, progress);
            case "capacity.release" -> release(request);
            case "capacity.challenge" -> challenge(request, progress);
            default ->
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "node", request.operation(), "is nothing this node can do");
        };
    }

    private IdleKeeper lending() {
        IdleKeeper running = keeper.get();
        if (running == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "capacity",
                    "the node",
                    "it lends nothing; start it with 'ppiofs node --store SIZE'");
        }
        return running;
    }

    private static Map<String, @Nullable Object> list(IdleKeeper keeper) {
        CapacityStatement statement = keeper.statement();
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("count", statement == null ? 0 : statement.root().count());
        facts.put("bytes", statement == null ? 0 : statement.bytes());
        facts.put("diskBytes", keeper.bytes());
        facts.put("filling", keeper.isFilling());
        facts.put("unitBytes", statement == null ? 0 : statement.terms().unitBytes());
        facts.put(
                "parameters",
                statement == null ? null : statement.terms().parameters().name());
        facts.put("sequence", statement == null ? 0 : statement.sequence());
        facts.put(
                "root",
                statement == null
                        ? null
                        : HexFormat.of().formatHex(statement.root().hash()));
        facts.put("units", keeper.units());
        return facts;
    }

    private Map<String, @Nullable Object> fill(Request request, Progress progress) {
        IdleKeeper running = lending();
        Long bytes = request.numberOrNull("bytes");
        Long unitBytes = request.numberOrNull("unitBytes");
        if (bytes == null || unitBytes == null || !isUnit(unitBytes) || bytes < unitBytes) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "fill",
                    "idle space",
                    "units are powers of two from 2 KiB to 1 GiB, and there is at least one");
        }
        SealParameters parameters = SealParameters.named(request.text("parameters"));
        String ended = running.fill(bytes, unitBytes, parameters, progress);
        Map<String, @Nullable Object> facts = list(running);
        facts.put("ended", ended);
        return facts;
    }

    private static boolean isUnit(long bytes) {
        long nodes = bytes / SdrGraph.NODE_BYTES;
        return Long.bitCount(bytes) == 1 && nodes >= ReplicaGeometry.MIN_NODES && nodes <= ReplicaGeometry.MAX_NODES;
    }

    private Map<String, @Nullable Object> release(Request request) {
        IdleKeeper running = lending();
        Set<Long> numbers = new TreeSet<>();
        for (String text : request.texts("units")) {
            if (!text.matches("[0-9]{1,10}")) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "release", text, "is no number; 'ppiofs capacity list' has them");
            }
            numbers.add(Long.parseLong(text));
        }
        if (numbers.isEmpty() && request.flag("all")) {
            List<Long> units = running.units();
            numbers.addAll(units.subList(0, Math.min(units.size(), LedgerChanges.MAX_STEPS)));
        }
        if (numbers.isEmpty() || numbers.size() > LedgerChanges.MAX_STEPS) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "release",
                    "units",
                    "name 1 to " + LedgerChanges.MAX_STEPS + " of them, or --all");
        }
        LedgerChanges proof = running.release(numbers);
        Map<String, @Nullable Object> facts = list(running);
        facts.put("released", new ArrayList<>(numbers));
        facts.put("proofBytes", (long) proof.toBytes().length);
        return facts;
    }

    private Map<String, @Nullable Object> challenge(Request request, Progress progress) {
        CapacityChecks running = checks.get();
        if (running == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "capacity",
                    "network",
                    "this node is in no network; 'ppiofs node --listen /ip4/0.0.0.0/tcp/4001' joins one");
        }
        Long leaves = request.numberOrNull("leaves");
        if (leaves != null && (leaves < 1 || leaves > SpaceChallenge.MAX_LEAVES)) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "challenge", "leaves", "must be from 1 to " + SpaceChallenge.MAX_LEAVES);
        }
        return running.challenge(
                PeerId.parse(request.text("peer")),
                leaves == null ? SpaceChallenge.LEAVES : leaves.intValue(),
                request.flag("labels"),
                request.flag("timed"),
                progress);
    }
}
