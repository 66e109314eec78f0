package io.ppiofs.node.cli;

import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "status",
        header = "mounts, volumes, space, durability of the node",
        description = "Shows what the node of the home does: mounts, volumes, space, and what a power loss would take.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs status --json")
final class StatusCommand implements Callable<Integer> {
    private final Main main;

    @Mixin
    private final JsonOption json = new JsonOption();

    StatusCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        Map<?, ?> facts = main.node().askRunning(new Request("status"));
        if (facts == null) {
            Map<String, @Nullable Object> none = new LinkedHashMap<>();
            none.put("node", null);
            none.put("home", main.home().toString());
            json.print(
                    main.surroundings(),
                    none,
                    () -> main.surroundings()
                            .out()
                            .println("no node runs in " + main.home() + "; 'ppiofs mount DIR -d' starts one"));
        } else {
            json.print(main.surroundings(), facts, () -> print(facts));
        }
        return 0;
    }

    private void print(Map<?, ?> facts) {
        PrintWriter out = main.surroundings().out();
        Map<String, @Nullable Object> node = Facts.object(facts.get("node"));
        out.println("node      process " + Facts.text(node, "pid") + ", version " + Facts.text(node, "version")
                + ", Java " + Facts.text(node, "java") + ", up " + Facts.text(node, "uptimeSeconds") + " s");
        out.println("home      " + Facts.text(node, "home"));
        out.println("log       " + Facts.text(node, "log"));
        long port = Facts.number(node, "metricsPort");
        out.println("metrics   " + (port == 0 ? "off" : "http://127.0.0.1:" + port + "/metrics"));
        printStore(out, Facts.object(facts.get("store")));
        printLent(out, Facts.object(facts.get("storage")));
        out.println();
        Table mounts = new Table("MOUNT", "VOLUME", "MODE", "SINCE");
        Facts.list(facts.get("mounts"))
                .forEach(m -> mounts.row(
                        Facts.text(m, "dir"),
                        Facts.text(m, "volume"),
                        Facts.flag(m, "readOnly") ? "ro" : "rw",
                        Facts.text(m, "since")));
        mounts.print(out);
        out.println();
        Table volumes = new Table("VOLUME", "KEYS", "FILES", "UNSYNCED", "JOURNAL", "CHECKPOINT");
        Facts.list(facts.get("volumes")).forEach(v -> volumes.row(volumeRow(v)));
        volumes.print(out);
    }

    private static void printStore(PrintWriter out, Map<String, @Nullable Object> store) {
        if (store.isEmpty()) {
            out.println("store     not open");
            return;
        }
        long blocks = Facts.number(store, "blocks");
        out.println("store     " + (blocks < 0 ? "" : blocks + " blocks, ")
                + ByteSize.show(Facts.number(store, "diskBytes")) + " on disk, "
                + ByteSize.show(Facts.number(store, "availableBytes")) + " free");
    }

    private static void printLent(PrintWriter out, Map<String, @Nullable Object> lent) {
        if (!lent.isEmpty()) {
            out.println("lent      " + ByteSize.show(Facts.number(lent, "hostedBytes")) + " of "
                    + ByteSize.show(Facts.number(lent, "capacityBytes")) + " hosted, " + Facts.text(lent, "leases")
                    + " leases, " + Facts.text(lent, "grants") + " grants");
            if (Facts.flag(lent, "leaving")) {
                Object why = lent.get("hinderedBy");
                out.println("leaving   " + Facts.text(lent, "groupsToMove") + " groups, "
                        + ByteSize.show(Facts.number(lent, "bytesToMove")) + ", still go to others"
                        + (why == null ? "" : "; " + why));
            }
        }
    }

    private static String[] volumeRow(Map<String, @Nullable Object> v) {
        if (!Facts.flag(v, "open")) {
            return new String[] {Facts.text(v, "name"), Facts.text(v, "protection"), "-", "-", "-", "-"};
        }
        return new String[] {
            Facts.text(v, "name"),
            Facts.text(v, "protection"),
            Facts.text(v, "files"),
            Facts.text(v, "unsyncedOperations"),
            ByteSize.show(Facts.number(v, "journalBytes")),
            v.get("lastCheckpoint") == null ? "none" : Facts.text(v, "lastCheckpoint")
        };
    }
}
