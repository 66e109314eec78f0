package io.ppiofs.node.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.node.Home;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.OverlayNetwork;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.repair.RepairOptions;
import io.ppiofs.overlay.storage.Grant;
import io.ppiofs.overlay.storage.GrantInvitation;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node that lends space, on loopback. */
@Tag("long")
class StorageServiceTest {
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final List<String> LOOPBACK = List.of("/ip4/127.0.0.1/tcp/0");

    @TempDir
    private Path directory;

    private OverlayNetwork start(String name, List<String> bootstrap, long store) {
        Home home = new Home(directory.resolve(name));
        home.create();
        StorageOrder order = store == 0
                ? null
                : new StorageOrder(
                        store, "cellar", List.of("eu"), RepairOptions.DEFAULT, StorageOrder.DAILY, StorageOrder.WEEK);
        return (OverlayNetwork) OverlayNetwork.start(home, new NetworkOrder(LOOPBACK, bootstrap, null, false, order));
    }

    @Test
    void a_lending_node_is_found_gives_its_grant_and_knows_it_after_a_restart() throws Exception {
        IdentityKey tenant = IdentityKey.generate(SECRETS);
        try (OverlayNetwork lender = start("lender", List.of(), 64 << 20)) {
            StorageService storage = lender.storage();
            assertThat(storage).isNotNull();
            try (OverlayNetwork writer =
                    start("writer", List.of(lender.listenAddresses().get(0)), 0)) {
                assertThat(writer.storage()).isNull();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> writer.operators().operators().size() == 1);
                assertThat(writer.operators().operators().get(0).advert().domain())
                        .isEqualTo("cellar");
                GrantInvitation invitation = new GrantInvitation(
                        lender.host().id(), storage.storage().grants().invite(1 << 20, SECRETS), 1 << 20, List.of());
                Grant.Signed grant = writer.storageClient()
                        .requestGrant(lender.host().id(), tenant, 1, invitation)
                        .get(60, TimeUnit.SECONDS);
                assertThat(grant.grant().bytes()).isEqualTo(1 << 20);
            }
            assertThat(storage.facts()).containsEntry("grants", 1L).containsEntry("capacityBytes", 64L << 20);
        }
        try (OverlayNetwork again = start("lender", List.of(), 64 << 20)) {
            StorageService storage = again.storage();
            assertThat(storage).isNotNull();
            assertThat(storage.storage().grants().accounts())
                    .singleElement()
                    .satisfies(a -> assertThat(a.tenant()).isEqualTo(tenant.peerId()));
        }
    }
}
