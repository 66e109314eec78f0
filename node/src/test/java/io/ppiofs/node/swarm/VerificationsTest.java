package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.Secret;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditKeys;
import io.ppiofs.node.audit.VolumeAuditor;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Verify capabilities in a home, of a volume of which nobody knows a head. */
@Tag("quick")
class VerificationsTest {
    private static final NetworkId NETWORK = NetworkId.LOCAL;
    private static final PeerId SELF = IdentityKey.ofSeed(new byte[32]).peerId();
    private static final AuditTopics.Topic SILENT = new AuditTopics.Topic() {
        @Override
        public void tell(byte[] record) {
            // nobody is there
        }

        @Override
        public Gossip.Subscription listen(AuditTopics.Listener listener) {
            return new Gossip.Subscription() {
                @Override
                public String topic() {
                    return "audit";
                }

                @Override
                public void close() {
                    // there is none
                }
            };
        }
    };

    @TempDir
    private Path home;

    private final Capability.ReadWrite volume = new Capability.ReadWrite(Secret.of(new byte[Secret.LENGTH]));
    private final List<Verifications.Order> orders = new ArrayList<>();
    private Verifications verifying;

    @BeforeEach
    void start() {
        verifying = new Verifications(home, this::opened);
        verifying.start();
    }

    @AfterEach
    void close() {
        verifying.close();
    }

    private VerifiedVolume opened(Verifications.Order order) {
        orders.add(order);
        GroupBook book = GroupBook.open(order.directory().resolve("groups"), NETWORK);
        AuditNews news = new AuditNews(order.capability(), SELF, SILENT, NETWORK, System::currentTimeMillis);
        AuditedGroups groups = new AuditedGroups(
                "verified", NETWORK, SELF, book, null, new HolderTrust(), holder -> {}, new VerifiedVolume.Role(news));
        VolumeAuditor auditor = new VolumeAuditor(
                groups,
                AuditKeys.ofVerifier(order.key()),
                order.directory().resolve("tags"),
                (peer, question, patience) -> new CompletableFuture<>(),
                peer -> new CompletableFuture<>(),
                System::currentTimeMillis,
                Duration.ZERO);
        return new VerifiedVolume(order.capability(), NETWORK, book, null, List::of, auditor, news);
    }

    private Capability.Verify capability(int epoch) {
        return volume.readOnly(epoch).verify();
    }

    private Path directory() {
        return home.resolve(capability(0).volumeId().toString());
    }

    @Test
    void another_capability_of_the_same_volume_replaces_the_first_and_keeps_the_key() throws IOException {
        verifying.add(capability(0).text());
        verifying.add(capability(0).text());
        assertThat(orders).hasSize(1);
        verifying.add(capability(1).text());
        assertThat(orders).hasSize(2);
        assertThat(orders.get(1).capability()).isEqualTo(capability(1));
        assertThat(orders.get(1).key()).isEqualTo(orders.get(0).key());
        assertThat(directory().resolve("capability")).hasContent(capability(1).text());
        assertThat(verifying.list()).hasSize(1);
        verifying.close();
        start();
        assertThat(orders).hasSize(3);
        assertThat(orders.get(2).capability()).isEqualTo(capability(1));
    }

    @Test
    void a_capability_of_an_earlier_epoch_does_not_replace_a_later_one() {
        verifying.add(capability(3).text());
        assertThatThrownBy(() -> verifying.add(capability(2).text()))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("epoch 2")
                .hasMessageContaining("epoch 3");
        assertThat(orders).hasSize(1);
        assertThat(directory().resolve("capability")).hasContent(capability(3).text());
        assertThat(verifying.list()).hasSize(1);
    }

    @Test
    void what_was_removed_does_not_come_back_whatever_was_left_of_it() throws IOException {
        verifying.add(capability(0).text());
        verifying.remove(capability(0).volumeId().toString());
        assertThat(directory()).doesNotExist();
        assertThat(verifying.list()).isEmpty();

        // as if something had been written while it was deleted
        Files.createDirectories(directory().resolve("tags"));
        Files.write(directory().resolve("tags").resolve("late"), new byte[1]);
        Files.write(directory().resolve("key"), new byte[32]);
        verifying.close();
        start();
        assertThat(orders).hasSize(1);
        assertThat(directory()).doesNotExist();
    }
}
