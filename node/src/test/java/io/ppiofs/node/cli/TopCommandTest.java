package io.ppiofs.node.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.node.control.Json;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is shown of two looks at a node. */
@Tag("quick")
class TopCommandTest {
    private static TopCommand.Sample sample(long seconds, String status, String... operators) {
        return new TopCommand.Sample(
                seconds * 1_000_000_000L,
                Json.parse(status),
                List.of(operators).stream().map(Json::parse).toList());
    }

    private static String status(int reads, int writes, int lookups, long sealed, int backlog) {
        return """
                {"node": {"version": "1", "pid": 7, "uptimeSeconds": 60, "heapBytes": 1048576, "heapLimitBytes": 2097152},
                 "mounts": [{"dir": "/m", "volume": "v", "requests": {
                    "READ": {"count": %d, "p99MicrosAtMost": 128}, "WRITE": {"count": %d, "p99MicrosAtMost": 512}, "LOOKUP": {"count": %d}}}],
                 "volumes": [{"name": "v", "id": "x", "open": true, "scheme": "3 copies", "files": 5, "bytesSealed": %d,
                    "unsyncedOperations": 1, "backlogBlocks": %d, "placementGroups": 2, "degradedGroups": 0, "toleratedFailures": 2,
                    "groupsBeingEmptied": 0, "lastError": "no peer has room for its blocks"}],
                 "storage": {"hostedBytes": %d, "capacityBytes": 1073741824, "leases": 3, "repairBytesSent": 0, "repairBytesFetched": 0}}
                """.formatted(reads, writes, lookups, sealed, backlog, sealed);
    }

    private static String operator(String peer, long received) {
        return Json.line(Map.of("peer", peer, "score", 0.9, "bytesReceived", received, "bytesSent", 0));
    }

    @Test
    void rates_are_of_the_time_between_two_looks() {
        String frame = TopCommand.frame(
                sample(10, status(100, 0, 50, 0, 4), operator("one", 0)),
                sample(12, status(300, 1, 70, 20 << 20, 3), operator("one", 8 << 20), operator("two", 5 << 20)));
        assertThat(frame.lines().filter(line -> line.startsWith("/m")).toList())
                .singleElement()
                .asString()
                .matches("/m +v +100 +0\\.5 +10\\.0 +<= 128 us +<= 512 us");
        assertThat(frame).containsPattern("v +3 copies +5 +10\\.0 MiB +1 +3 +2 +0 +2 +0\n");
        assertThat(frame).contains("v: no peer has room for its blocks");
        assertThat(frame).containsPattern("one +0\\.9 +4\\.00 MiB");
        assertThat(frame).as("one that was not there before has no rate yet").containsPattern("two +0\\.9 +0 B ");
        assertThat(frame).contains("10.0 MiB/s more");
    }

    @Test
    void a_node_without_mounts_and_network_is_one_line() {
        TopCommand.Sample now =
                sample(1, "{\"node\": {\"version\": \"1\"}, \"mounts\": [], \"volumes\": [], \"storage\": null}");
        assertThat(TopCommand.frame(now, now).lines()).hasSize(1);
    }
}
