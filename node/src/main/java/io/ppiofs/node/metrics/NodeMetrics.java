package io.ppiofs.node.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.ppiofs.fs.fuse.RequestTimes;
import java.io.Closeable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The registry: the virtual machine's own meters and one gauge per number in the node's status. Not thread-safe. */
final class NodeMetrics implements Closeable {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics garbage = new JvmGcMetrics();
    private final Map<String, MultiGauge> perVolume = new HashMap<>();
    private final Map<String, MultiGauge> perMount = new HashMap<>();
    private final RequestHistograms latencies = new RequestHistograms();
    private final Map<String, Number> plain = new HashMap<>();

    NodeMetrics() {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        garbage.bindTo(registry);
        registry.getPrometheusRegistry().register(latencies);
    }

    /**
     * @param status as {@link io.ppiofs.node.StatusFacts#status} makes it
     * @param requests of each mount, by its directory
     */
    String scrape(Map<String, @Nullable Object> status, Map<String, List<RequestTimes.Row>> requests) {
        latencies.show(requests);
        plain(
                "ppiofs.mounts",
                "mounts of this node",
                status.get("mounts") instanceof List<?> mounts ? mounts.size() : 0);
        group("store", status.get("store"));
        group("network", status.get("network"));
        group("storage", status.get("storage"));
        if (status.get("volumes") instanceof List<?> volumes) {
            volumes(volumes);
        }
        if (status.get("mounts") instanceof List<?> mounts) {
            requests(mounts);
        }
        return registry.scrape();
    }

    /** One gauge per number at the top of these facts. */
    private void group(String group, @Nullable Object facts) {
        if (facts instanceof Map<?, ?> map) {
            map.forEach((name, value) -> {
                if (value instanceof Number n) {
                    String gauge = "ppiofs." + group + "." + snake(String.valueOf(name));
                    plain(gauge, group + "." + name + " of 'ppiofs stats'", n);
                }
            });
        }
    }

    /** One gauge per number of a kind of request, by mount and kind. */
    private void requests(List<?> mounts) {
        Map<String, List<MultiGauge.Row<?>>> rows = new HashMap<>();
        for (Object o : mounts) {
            if (o instanceof Map<?, ?> mount && mount.get("requests") instanceof Map<?, ?> requests) {
                requests.forEach((kind, numbers) -> {
                    Tags tags = Tags.of("dir", String.valueOf(mount.get("dir")), "request", String.valueOf(kind));
                    if (numbers instanceof Map<?, ?> m) {
                        m.forEach(
                                (name, value) -> row(rows, "ppiofs.fuse." + snake(String.valueOf(name)), tags, value));
                    }
                });
            }
        }
        perMount.forEach((name, gauge) -> gauge.register(rows.getOrDefault(name, List.of()), true));
        rows.forEach((name, its) -> perMount.computeIfAbsent(
                        name,
                        n -> MultiGauge.builder(n)
                                .description("of each mount and kind of request, as in 'ppiofs stats'")
                                .register(registry))
                .register(its, true));
    }

    private static void row(Map<String, List<MultiGauge.Row<?>>> rows, String name, Tags tags, @Nullable Object value) {
        if (value instanceof Number n) {
            rows.computeIfAbsent(name, k -> new ArrayList<>()).add(MultiGauge.Row.of(tags, n));
        }
    }

    private void volumes(List<?> volumes) {
        Map<String, List<MultiGauge.Row<?>>> rows = new HashMap<>();
        for (Object o : volumes) {
            if (o instanceof Map<?, ?> volume) {
                Tags tags = Tags.of("volume", String.valueOf(volume.get("name")));
                volume.forEach((name, value) -> {
                    if (value instanceof Number n) {
                        rows.computeIfAbsent("ppiofs.volume." + snake(String.valueOf(name)), k -> new ArrayList<>())
                                .add(MultiGauge.Row.of(tags, n));
                    }
                });
            }
        }
        // A volume that was closed loses its rows: an old number must not look like a current one.
        perVolume.forEach((name, gauge) -> gauge.register(rows.getOrDefault(name, List.of()), true));
        rows.forEach((name, its) -> perVolume
                .computeIfAbsent(
                        name,
                        n -> MultiGauge.builder(n)
                                .description("of each open volume, as in 'ppiofs stats'")
                                .register(registry))
                .register(its, true));
    }

    private void plain(String name, String description, Number value) {
        if (plain.put(name, value) == null) {
            Gauge.builder(name, () -> plain.get(name)).description(description).register(registry);
        }
    }

    private static String snake(String camel) {
        return camel.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    @Override
    public void close() {
        garbage.close();
        registry.close();
    }
}
