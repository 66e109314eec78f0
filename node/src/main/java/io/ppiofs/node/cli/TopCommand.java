package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "top",
        header = "what the node does now, again and again",
        description =
                "Shows every few seconds what the running node of the home is doing: requests of each mount, what each volume still has to"
                        + " bring to peers, the peers that lend space, and what is hosted for others. Rates are of the time since"
                        + " the last look. Ends with Ctrl-C.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs top --batch --count 3 --every 5")
final class TopCommand implements Callable<Integer> {
    private static final String CLEAR = "\u001b[H\u001b[2J";

    private final Main main;

    @Option(
            names = {"-d", "--every"},
            paramLabel = "SECONDS",
            defaultValue = "2",
            description = "time between two looks; default ${DEFAULT-VALUE}")
    private double every;

    @Option(
            names = {"-n", "--count"},
            paramLabel = "N",
            description = "end after so many looks")
    private @Nullable Long count;

    @Option(
            names = {"-b", "--batch"},
            description = "one look below the other, for files and pipes")
    private boolean batch;

    @Option(names = "--json", description = "print what is shown as JSON, a line for each look")
    private boolean json;

    TopCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!(every >= 0.1 && every <= 3600) || count != null && count < 1) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "top", "its times", "--every takes 0.1 to 3600 seconds, --count 1 or more");
        }
        PrintWriter out = main.surroundings().out();
        boolean clears = main.surroundings().terminal() && !batch && !json;
        Sample before = look();
        for (long shown = 0; count == null || shown < count; shown++) {
            TimeUnit.MILLISECONDS.sleep((long) (every * 1000));
            Sample now = look();
            out.print(json ? Json.line(json(before, now)) + "\n" : (clears ? CLEAR : "") + frame(before, now));
            if (!clears && !json) {
                out.println();
            }
            out.flush();
            if (out.checkError()) {
                return 0; // whoever read it has gone
            }
            before = now;
        }
        return 0;
    }

    /**
     * What a node said at one moment.
     *
     * @param status answer to {@code status}
     * @param operators those that lend space; empty outside of a network
     */
    record Sample(long nanos, Map<String, @Nullable Object> status, List<Map<String, @Nullable Object>> operators) {}

    private Sample look() throws IOException {
        Map<?, ?> status = main.node().askRunning(new Request("status"));
        if (status == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "top", main.home().toString(), "no node runs; mount something first");
        }
        Map<String, @Nullable Object> facts = Facts.object(status);
        List<Map<String, @Nullable Object>> operators = facts.get("network") == null
                ? List.of()
                : Facts.list(main.node().askNetworked(new Request("peers")).get("operators"));
        return new Sample(System.nanoTime(), facts, operators);
    }

    // ---- what is shown ----------------------------------------------------------------------------------------------

    /** Differences between two looks, by the second. */
    private record Rates(double seconds) {
        double of(Map<?, ?> before, Map<?, ?> now, String name) {
            return Math.max(0, Facts.number(now, name) - Facts.number(before, name)) / seconds;
        }
    }

    private static Rates rates(Sample before, Sample now) {
        return new Rates(Math.max(1e-3, (now.nanos() - before.nanos()) / 1e9));
    }

    static String frame(Sample before, Sample now) {
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        Map<String, @Nullable Object> node = Facts.object(now.status().get("node"));
        Map<String, @Nullable Object> store = Facts.object(now.status().get("store"));
        out.println("ppiofs " + Facts.text(node, "version") + ", process " + Facts.text(node, "pid") + ", up "
                + Facts.text(node, "uptimeSeconds") + " s, heap " + ByteSize.show(Facts.number(node, "heapBytes"))
                + " of "
                + ByteSize.show(Facts.number(node, "heapLimitBytes"))
                + (store.isEmpty() ? "" : ", store " + ByteSize.show(Facts.number(store, "diskBytes"))));
        mounts(before, now, out);
        volumes(before, now, out);
        operators(before, now, out);
        hosted(before, now, out);
        out.flush();
        return text.toString();
    }

    private static void mounts(Sample before, Sample now, PrintWriter out) {
        List<Map<String, @Nullable Object>> mounts = Facts.list(now.status().get("mounts"));
        if (mounts.isEmpty()) {
            return;
        }
        Table table = new Table("MOUNT", "VOLUME", "READS/s", "WRITES/s", "OTHERS/s", "READ p99", "WRITE p99");
        for (Map<String, @Nullable Object> mount : mounts) {
            Map<String, @Nullable Object> then = same(before.status().get("mounts"), "dir", mount);
            Map<String, @Nullable Object> requests = Facts.object(mount.get("requests"));
            table.row(
                    Facts.text(mount, "dir"),
                    Facts.text(mount, "volume"),
                    rate(requests(before, now, then, requests, kind -> kind.equals("read"))),
                    rate(requests(before, now, then, requests, kind -> kind.equals("write"))),
                    rate(requests(before, now, then, requests, kind -> !kind.equals("read") && !kind.equals("write"))),
                    p99(requests, "read"),
                    p99(requests, "write"));
        }
        out.println();
        table.print(out);
    }

    /** Requests by the second of these kinds. */
    private static double requests(
            Sample before,
            Sample now,
            Map<String, @Nullable Object> then,
            Map<String, @Nullable Object> requests,
            Predicate<String> kinds) {
        Map<String, @Nullable Object> old = Facts.object(then.get("requests"));
        Rates rates = rates(before, now);
        return requests.keySet().stream()
                .filter(kind -> kinds.test(kind.toLowerCase(Locale.ROOT)))
                .mapToDouble(kind -> rates.of(Facts.object(old.get(kind)), Facts.object(requests.get(kind)), "count"))
                .sum();
    }

    private static String p99(Map<String, @Nullable Object> requests, String kind) {
        for (Map.Entry<String, @Nullable Object> entry : requests.entrySet()) {
            if (entry.getKey().equalsIgnoreCase(kind)) {
                return "<= " + Facts.number(Facts.object(entry.getValue()), "p99MicrosAtMost") + " us";
            }
        }
        return "-";
    }

    private static void volumes(Sample before, Sample now, PrintWriter out) {
        List<Map<String, @Nullable Object>> open = Facts.list(now.status().get("volumes")).stream()
                .filter(volume -> Facts.flag(volume, "open"))
                .toList();
        if (open.isEmpty()) {
            return;
        }
        Rates rates = rates(before, now);
        Table table = new Table(
                "VOLUME",
                "KEPT AS",
                "FILES",
                "SEALED/s",
                "UNSYNCED",
                "BACKLOG",
                "GROUPS",
                "DEGRADED",
                "TOLERATES",
                "EMPTYING");
        for (Map<String, @Nullable Object> volume : open) {
            Map<String, @Nullable Object> then = same(before.status().get("volumes"), "id", volume);
            table.row(
                    Facts.text(volume, "name"),
                    volume.get("scheme") == null ? "here" : Facts.text(volume, "scheme"),
                    Facts.text(volume, "files"),
                    ByteSize.show((long) rates.of(then, volume, "bytesSealed")),
                    Facts.text(volume, "unsyncedOperations"),
                    orDash(volume, "backlogBlocks"),
                    orDash(volume, "placementGroups"),
                    orDash(volume, "degradedGroups"),
                    orDash(volume, "toleratedFailures"),
                    orDash(volume, "groupsBeingEmptied"));
        }
        out.println();
        table.print(out);
        open.stream()
                .filter(volume -> volume.get("lastError") != null)
                .forEach(volume -> out.println(Facts.text(volume, "name") + ": " + Facts.text(volume, "lastError")));
    }

    private static void operators(Sample before, Sample now, PrintWriter out) {
        if (now.operators().isEmpty()) {
            return;
        }
        Rates rates = rates(before, now);
        Table table = new Table("LENDS SPACE", "SCORE", "FROM IT/s", "TO IT/s", "SPEED", "FREE", "FAILED", "WRONG");
        for (Map<String, @Nullable Object> operator : now.operators()) {
            Map<String, @Nullable Object> then = same(before.operators(), "peer", operator);
            table.row(
                    Facts.text(operator, "peer"),
                    Facts.text(operator, "score"),
                    ByteSize.show((long) rates.of(then, operator, "bytesReceived")),
                    ByteSize.show((long) rates.of(then, operator, "bytesSent")),
                    ByteSize.show(Facts.number(operator, "bytesPerSecond")) + "/s",
                    ByteSize.show(Facts.number(operator, "freeBytes")),
                    Facts.text(operator, "requestsFailed"),
                    Facts.text(operator, "blocksCorrupt"));
        }
        out.println();
        table.print(out);
    }

    private static void hosted(Sample before, Sample now, PrintWriter out) {
        Map<String, @Nullable Object> hosted = Facts.object(now.status().get("storage"));
        if (hosted.isEmpty()) {
            return;
        }
        Map<String, @Nullable Object> then = Facts.object(before.status().get("storage"));
        Rates rates = rates(before, now);
        out.println();
        out.println("hosted " + ByteSize.show(Facts.number(hosted, "hostedBytes")) + " of "
                + ByteSize.show(Facts.number(hosted, "capacityBytes")) + " in " + Facts.text(hosted, "leases")
                + " leases, "
                + ByteSize.show((long) rates.of(then, hosted, "hostedBytes")) + "/s more, repair sends "
                + ByteSize.show((long) rates.of(then, hosted, "repairBytesSent")) + "/s and fetches "
                + ByteSize.show((long) rates.of(then, hosted, "repairBytesFetched")) + "/s");
    }

    private static Map<String, @Nullable Object> json(Sample before, Sample now) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("seconds", rates(before, now).seconds());
        all.putAll(now.status());
        all.put("operators", now.operators());
        return all;
    }

    /** The row of an earlier look that is about the same thing; without one its rates are 0. */
    private static Map<String, @Nullable Object> same(
            @Nullable Object earlier, String key, Map<String, @Nullable Object> now) {
        return Facts.list(earlier).stream()
                .filter(row -> Facts.text(row, key).equals(Facts.text(now, key)))
                .findFirst()
                .orElse(now);
    }

    private static String orDash(Map<String, @Nullable Object> facts, String name) {
        return facts.containsKey(name) ? Facts.text(facts, name) : "-";
    }

    private static String rate(double value) {
        return value >= 100 ? Long.toString(Math.round(value)) : String.format(Locale.ROOT, "%.1f", value);
    }
}
