package io.ppiofs.overlay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.storage.StorageWorld.Operator;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who writes a volume, as operators know it, over the storage protocol. */
@Tag("quick")
class WriterLeaseTest {
    private static final byte[] VOLUME = new byte[PinnedHead.VOLUME];
    private static final Duration LIFE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private StorageWorld world;
    private Operator operator;
    private final PeerId first = IdentityKey.generate(new SecureRandom()).peerId();
    private final PeerId second = IdentityKey.generate(new SecureRandom()).peerId();

    @BeforeEach
    void begin() {
        world = new StorageWorld(12, directory);
        operator = world.add(StorageOptions.of(100 << 20));
        operator.storage.grants().allow(world.tenant.peerId(), 10 << 20, world.net.wallMillis());
    }

    @AfterEach
    void end() {
        world.close();
    }

    private WriterLease.Held ask(IdentityKey tenant, PeerId writer, long sequence, Duration life) {
        WriterLease lease = new WriterLease(tenant.peerId(), VOLUME, writer, sequence, life);
        return world.await(world.client.writer(operator.id(), lease.sign(tenant, Network.PUBLIC.id())));
    }

    private WriterLease.Held ask(PeerId writer, long sequence, Duration life) {
        return ask(world.tenant, writer, sequence, life);
    }

    @Test
    void one_has_it_until_it_ends_or_is_given_back() {
        assertThat(ask(first, 1, LIFE)).isEqualTo(new WriterLease.Held(first, LIFE, 1));
        assertThat(ask(second, 1, LIFE).writer()).isEqualTo(first);
        assertThat(ask(first, 2, LIFE)).isEqualTo(new WriterLease.Held(first, LIFE, 2));
        world.net.runFor(LIFE.plusSeconds(1));
        assertThat(ask(second, 2, LIFE)).isEqualTo(new WriterLease.Held(second, LIFE, 1));
        assertThat(ask(first, 3, LIFE).writer()).isEqualTo(second);
        ask(second, 3, Duration.ZERO);
        assertThat(ask(first, 4, LIFE).writer()).isEqualTo(first);
    }

    @Test
    void an_order_is_not_taken_twice() {
        ask(first, 5, LIFE);
        ask(first, 6, Duration.ZERO);
        assertThatThrownBy(() -> ask(first, 5, LIFE))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.EXISTS));
    }

    @Test
    void who_has_no_grant_is_not_heard() {
        assertThatThrownBy(() -> ask(IdentityKey.generate(new SecureRandom()), first, 1, LIFE))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.ACCESS_DENIED));
    }
}
