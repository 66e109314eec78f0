package io.ppiofs.overlay.autonat;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.security.SecureRandom;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ServerRotaTest {
    private final ServerRota rota = new ServerRota();

    private static List<PeerId> peers(int count) {
        SecureRandom random = new SecureRandom();
        return Stream.generate(() -> IdentityKey.generate(random).peerId())
                .limit(count)
                .toList();
    }

    @Test
    void asksEverybodyBeforeItAsksSomebodyAgain() {
        List<PeerId> peers = peers(5);
        List<PeerId> first = Stream.generate(() -> rota.next(peers)).limit(5).toList();
        List<PeerId> second = Stream.generate(() -> rota.next(peers)).limit(5).toList();
        assertThat(first).containsExactlyInAnyOrderElementsOf(peers);
        assertThat(second).isEqualTo(first);
    }

    @Test
    void asksTheOnlyOneThereIsAgain() {
        List<PeerId> peers = peers(2);
        rota.next(peers);
        assertThat(rota.next(peers.subList(0, 1))).isEqualTo(peers.get(0));
        assertThat(rota.next(peers.subList(0, 1))).isEqualTo(peers.get(0));
    }

    @Test
    void remembersTheLatestOfThoseWhoHungUp() {
        List<PeerId> peers = peers(65);
        assertThat(rota.hangsUp(peers.get(0))).isFalse();
        peers.forEach(rota::hungUp);
        assertThat(rota.hangsUp(peers.get(0))).isFalse();
        assertThat(peers.subList(1, 65)).allMatch(rota::hangsUp);
    }
}
