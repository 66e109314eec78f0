package io.ppiofs.overlay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageWorld.Operator;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a custodian can do for a tenant, and what it cannot, over the storage protocol and years of virtual time. */
@Tag("quick")
class CustodyTest {
    /** Longer than a lease (90 days) and the grace after it (30 days). */
    private static final Duration LONG = Duration.ofDays(125);

    @TempDir
    private Path directory;

    private StorageWorld world;
    private Operator first;
    private Operator second;
    private Operator stranger;
    private TableChain chain;

    @BeforeEach
    void host() {
        world = new StorageWorld(31, directory);
        first = world.add(StorageOptions.of(100 << 20));
        second = world.add(StorageOptions.of(100 << 20));
        stranger = world.add(StorageOptions.of(100 << 20));
        for (Operator operator : List.of(first, second)) {
            operator.storage.grants().allow(world.tenant.peerId(), 10 << 20, world.net.wallMillis());
        }
        chain = world.closedGroup(world.blocks(5, 1000), List.of(first, second));
    }

    @AfterEach
    void end() {
        world.close();
    }

    private Custody.Signed custody(PeerId custodian, Duration lasts) {
        return new Custody(world.tenant.peerId(), custodian, world.net.wallMillis() + lasts.toMillis())
                .sign(world.tenant, Network.PUBLIC.id());
    }

    private StorageClient.Renewed renew(Operator operator, Custody.Signed custody) {
        return world.await(world.client.renew(operator.id(), custody, null));
    }

    private void refused(Operator operator, Custody.Signed custody) {
        assertThatThrownBy(() -> renew(operator, custody))
                .isInstanceOfSatisfying(
                        CompletionException.class,
                        e -> assertThat(((PpiofsException) e.getCause()).kind())
                                .as(e.toString())
                                .isEqualTo(ErrorKind.ACCESS_DENIED));
    }

    private int leases(Operator operator) {
        boolean unused = operator.storage.expire();
        return operator.storage.usage().leases();
    }

    @Test
    void without_anybody_who_renews_them_leases_end() {
        world.net.runFor(LONG);
        assertThat(leases(first)).isZero();
    }

    @Test
    void what_a_custodian_prolongs_stays_for_years_and_the_grant_with_it() {
        Custody.Signed custody = custody(world.writer.id(), Duration.ofDays(4000));
        for (int quarter = 0; quarter < 12; quarter++) {
            world.net.runFor(Duration.ofDays(80));
            StorageClient.Renewed renewed = renew(first, custody);
            assertThat(renewed.slots()).isEqualTo(1);
            assertThat(renewed.lifetime()).isGreaterThanOrEqualTo(Duration.ofDays(89));
            assertThat(renewed.holders()).containsExactly(second.id());
        }
        assertThat(leases(first)).isEqualTo(1);
        assertThat(leases(second)).isZero();
    }

    @Test
    void only_the_custodian_may_and_only_until_its_right_ends() {
        PeerId other = IdentityKey.generate(new SecureRandom()).peerId();
        refused(first, custody(other, LONG));
        // an operator that has nothing of the tenant has nothing to prolong, and takes it for no tenant of its own
        refused(stranger, custody(world.writer.id(), LONG));
        Custody.Signed shortly = custody(world.writer.id(), Duration.ofDays(1));
        assertThat(renew(first, shortly).slots()).isEqualTo(1);
        world.net.runFor(Duration.ofDays(2));
        refused(first, shortly);
    }

    @Test
    void a_list_of_groups_prolongs_no_other() {
        TableChain other = world.closedGroup(world.blocks(3, 1000), List.of(first));
        Custody.Signed custody = custody(world.writer.id(), Duration.ofDays(400));
        world.net.runFor(Duration.ofDays(80));
        StorageClient.Renewed renewed = world.await(world.client.renew(first.id(), custody, List.of(other.group())));
        assertThat(renewed.slots()).isEqualTo(1);
        world.net.runFor(Duration.ofDays(50));
        assertThat(first.storage.hosted()).extracting(StorageHost.Hosted::group).containsExactly(other.group());
    }

    @Test
    void what_is_to_be_deleted_is_not_kept_by_it() {
        world.await(world.client.release(
                first.id(),
                new ReleaseOrder(world.tenant.peerId(), chain.newest().slot(0), 99)
                        .sign(world.tenant, Network.PUBLIC.id())));
        assertThat(renew(first, custody(world.writer.id(), LONG)).slots()).isZero();
        world.net.runFor(Duration.ofDays(8));
        assertThat(leases(first)).isZero();
        assertThat(leases(second)).isEqualTo(1);
    }
}
