package io.ppiofs.node;

import io.ppiofs.fs.fuse.RequestTimes;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.storage.StorageService;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The facts that {@code status}, {@code .stats} and the metrics show, as ordered maps that become JSON. Thread-safe. */
public final class StatusFacts {
    private final Node node;

    StatusFacts(Node node) {
        this.node = node;
    }

    /** Everything, as {@code ppiofs status --json} prints it. */
    public Map<String, @Nullable Object> status() {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("node", node());
        List<Object> mounts = new ArrayList<>();
        node.mounts().list().forEach(m -> mounts.add(mount(m)));
        all.put("mounts", mounts);
        Map<String, OpenVolume> open = node.mounts().open();
        List<Object> volumes = new ArrayList<>();
        node.services().volumes().forEach(v -> volumes.add(volume(v, open.get(v.name()))));
        all.put("volumes", volumes);
        StoreFacts store = node.services().store();
        all.put("store", store == null ? null : store(store));
        NetworkService network = node.network();
        all.put("network", network == null ? null : network.facts());
        StorageService storage = network == null ? null : network.storage();
        all.put("storage", storage == null ? null : storage.facts());
        return all;
    }

    Map<String, @Nullable Object> volumeInfo(VolumeSummary summary) {
        return volume(summary, node.mounts().open().get(summary.name()));
    }

    /** Content of {@code .stats} in the mounts of a volume. */
    byte[] volumeFile(String volume) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("node", node());
        all.put("volume", volumeInfo(node.services().volume(volume)));
        StoreFacts store = node.services().store();
        all.put("store", store == null ? null : store(store));
        return (Json.pretty(all) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private Map<String, @Nullable Object> node() {
        Runtime jvm = Runtime.getRuntime();
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("home", node.home().toString());
        facts.put("pid", ProcessHandle.current().pid());
        facts.put("version", version());
        facts.put("java", System.getProperty("java.version", "?"));
        facts.put("started", node.started().toString());
        facts.put(
                "uptimeSeconds", Duration.between(node.started(), Instant.now()).toSeconds());
        facts.put("metricsPort", (long) node.metricsPort());
        facts.put("heapBytes", jvm.totalMemory() - jvm.freeMemory());
        facts.put("heapLimitBytes", jvm.maxMemory());
        facts.put("log", node.logFile().toString());
        return facts;
    }

    /** Version of this build. */
    public static String version() {
        String version = StatusFacts.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    static Map<String, @Nullable Object> mount(Mounts.Live live) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("dir", live.directory().toString());
        facts.put("volume", live.volume());
        facts.put("readOnly", live.options().readOnly());
        facts.put("options", live.options().kernelOptions());
        facts.put("since", live.since().toString());
        Map<String, @Nullable Object> requests = new LinkedHashMap<>();
        live.fuse().requestTimes().forEach(row -> requests.put(row.name(), times(row)));
        facts.put("requests", requests);
        return facts;
    }

    /** The file {@code .accesslog} of a volume: what each of its mounts was asked lately. */
    byte[] accessLog(String volume) {
        StringBuilder text = new StringBuilder();
        for (Mounts.Live live : node.mounts().list()) {
            if (live.volume().equals(volume)) {
                String log = live.fuse().accessLog();
                text.append("# ").append(live.directory()).append('\n');
                text.append(log.isEmpty() ? "# its driver keeps no log of requests\n" : log);
            }
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** What each mount was asked, by its directory. */
    public Map<String, List<RequestTimes.Row>> requestTimes() {
        Map<String, List<RequestTimes.Row>> times = new LinkedHashMap<>();
        for (Mounts.Live live : node.mounts().list()) {
            times.put(live.directory().toString(), live.fuse().requestTimes());
        }
        return times;
    }

    private static Map<String, @Nullable Object> times(RequestTimes.Row row) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("count", row.count());
        facts.put("meanMicros", row.nanos() / 1000 / row.count());
        facts.put("medianMicrosAtMost", row.quantileMicros(0.5));
        facts.put("p99MicrosAtMost", row.quantileMicros(0.99));
        return facts;
    }

    static Map<String, @Nullable Object> volume(VolumeSummary summary) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("name", summary.name());
        facts.put("id", summary.id());
        facts.put("created", summary.created().toString());
        facts.put("protection", summary.protection());
        facts.put("scheme", summary.scheme());
        facts.put("seal", summary.seal());
        return facts;
    }

    private static Map<String, @Nullable Object> volume(VolumeSummary summary, @Nullable OpenVolume open) {
        Map<String, @Nullable Object> facts = volume(summary);
        facts.put("open", open != null);
        if (open != null) {
            VolumeFacts now = open.facts();
            facts.put("files", now.files());
            facts.put("unsyncedOperations", now.unsyncedOperations());
            facts.put("journalBytes", now.journalBytes());
            facts.put("garbageBytes", now.garbageBytes());
            Instant checkpoint = now.lastCheckpoint();
            facts.put("lastCheckpoint", checkpoint == null ? null : checkpoint.toString());
            facts.put("lastError", now.lastError());
            facts.putAll(now.more());
        }
        return facts;
    }

    private static Map<String, @Nullable Object> store(StoreFacts store) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("blocks", store.blocks());
        facts.put("liveBytes", store.liveBytes());
        facts.put("diskBytes", store.diskBytes());
        facts.put("segments", store.segments());
        facts.put("availableBytes", store.availableBytes());
        facts.put("totalBytes", store.totalBytes());
        return facts;
    }
}
