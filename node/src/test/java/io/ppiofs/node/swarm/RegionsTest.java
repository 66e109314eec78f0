package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.StorageAdvert;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class RegionsTest {
    private final List<StorageAdvert> adverts = new ArrayList<>();

    private PeerId peer(String... labels) {
        PeerId peer = IdentityKey.generate(new SecureRandom()).peerId();
        adverts.add(new StorageAdvert(
                peer, 1, 100, 50, "", List.of(labels), Reachability.PUBLIC, true, List.of(), Duration.ofMinutes(30)));
        return peer;
    }

    @Test
    void who_shares_the_most_labels_from_the_widest_on_is_asked_first() {
        PeerId far = peer("us", "de", "cellar");
        PeerId land = peer("eu", "de");
        PeerId silent = peer();
        PeerId cellar = peer("eu", "de", "cellar");
        PeerId wide = peer("eu", "fr", "cellar");
        Regions regions = new Regions(List.of("eu", "de", "cellar"), () -> adverts);
        List<PeerId> holders = List.of(far, wide, silent, land, cellar);
        assertThat(Regions.nearFirst(holders, regions.shared())).containsExactly(cellar, land, wide, far, silent);
    }

    @Test
    void a_node_without_labels_prefers_nobody() {
        PeerId first = peer("eu");
        PeerId second = peer("eu", "de");
        Regions regions = new Regions(List.of(), () -> adverts);
        assertThat(Regions.nearFirst(List.of(first, second), regions.shared())).containsExactly(first, second);
    }
}
