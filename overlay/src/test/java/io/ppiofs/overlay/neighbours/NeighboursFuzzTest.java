package io.ppiofs.overlay.neighbours;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.overlay.fuzz.Decoding;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class NeighboursFuzzTest {
    static Stream<byte[]> lists() {
        NeighbourList.Entry entry = new NeighbourList.Entry(
                IdentityKey.ofSeed(new byte[32]).peerId(), 1_234, List.of(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001")));
        return Stream.of(List.<NeighbourList.Entry>of(), List.of(entry), List.of(entry, entry))
                .map(entries -> new NeighbourList(entries).encode());
    }

    @MethodSource("lists")
    @FuzzTest(maxDuration = "60s")
    void a_list_of_neighbours(byte[] bytes) {
        Decoding.of(() -> NeighbourList.decode(bytes)).ifPresent(list -> {
            assertThat(list.entries()).hasSizeLessThanOrEqualTo(NeighbourList.MAX_ENTRIES);
            assertThat(NeighbourList.decode(list.encode())).isEqualTo(list);
        });
    }

    static Stream<byte[]> histories() {
        return Stream.of(new byte[] {(byte) 0x81, 1}, new byte[] {(byte) 0x82, 1, (byte) 0x80});
    }

    @MethodSource("histories")
    @FuzzTest(maxDuration = "60s")
    void a_file_of_past_neighbours(byte[] bytes) {
        Decoding.of(() -> HistoryFile.decode(bytes, "it"))
                .ifPresent(past -> assertThat(past).hasSizeLessThanOrEqualTo(bytes.length));
    }
}
