package io.ppiofs.node.metrics;

import io.ppiofs.fs.fuse.RequestTimes;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.List;
import java.util.Map;

/**
 * How long the answers to the kernel took: one histogram per mount and kind of request, with classes of powers of two
 * from 1 µs. Thread-safe.
 */
final class RequestHistograms implements Collector {
    private static final String NAME = "ppiofs_fuse_request_seconds";

    private volatile Map<String, List<RequestTimes.Row>> shown = Map.of();

    /** @param requests of each mount, by its directory; what the next scrape shows */
    void show(Map<String, List<RequestTimes.Row>> requests) {
        shown = requests;
    }

    @Override
    public String getPrometheusName() {
        return NAME;
    }

    @Override
    public MetricSnapshot collect() {
        HistogramSnapshot.Builder all = HistogramSnapshot.builder()
                .name(NAME)
                .help("time from the kernel's request to its answer, by mount and kind");
        shown.forEach((dir, rows) -> rows.forEach(row -> all.dataPoint(point(dir, row))));
        return all.build();
    }

    private static HistogramDataPointSnapshot point(String dir, RequestTimes.Row row) {
        ClassicHistogramBuckets.Builder classes = ClassicHistogramBuckets.builder();
        int last = row.upTo().size() - 1;
        for (int i = 0; i <= last; i++) {
            double end = i == last ? Double.POSITIVE_INFINITY : (1L << i) / 1e6;
            classes.bucket(end, row.upTo().get(i));
        }
        return HistogramDataPointSnapshot.builder()
                .labels(Labels.of("dir", dir, "request", row.name()))
                .classicHistogramBuckets(classes.build())
                .sum(row.nanos() / 1e9)
                .build();
    }
}
