package io.ppiofs.overlay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
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

/** The storage protocol between simulated hosts. */
@Tag("quick")
class StorageProtocolTest {
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final long MIB = 1 << 20;

    @TempDir
    private Path directory;

    private StorageWorld world;
    private Operator operator;

    @BeforeEach
    void begin() {
        world = new StorageWorld(1, directory);
        operator = world.add(StorageOptions.of(100 * MIB));
    }

    @AfterEach
    void end() {
        world.close();
    }

    private void allow(long bytes) {
        operator.storage.grants().allow(world.tenant.peerId(), bytes, world.net.wallMillis());
    }

    private static void assertRefused(ErrorKind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    private Verdict put(SlotAddress slot, StoredBlock block) {
        Verdict admitted = operator.storage.admit(
                world.writer.id(),
                world.tenant.peerId(),
                slot,
                block.cid(),
                block.bytes().remaining());
        return admitted != null
                ? admitted
                : operator.storage.store(
                        world.writer.id(),
                        world.tenant.peerId(),
                        slot,
                        block.cid(),
                        block.bytes().duplicate());
    }

    @Test
    void a_newcomer_without_a_grant_stores_nothing() {
        assertRefused(
                ErrorKind.ACCESS_DENIED,
                () -> world.await(world.client.requestGrant(operator.id(), world.tenant, MIB, null)));
        GroupId group = GroupId.random(SECRETS);
        assertRefused(
                ErrorKind.ACCESS_DENIED,
                () -> world.await(world.client.lease(operator.id(), world.order(group, 0, MIB), null, null)));
        StoredBlock block = world.blocks(1, 1000).get(0);
        assertThat(put(new SlotAddress(group, 0, 1), block).outcome()).isEqualTo(Verdict.Outcome.REFUSED);
        assertThat(operator.blocks.size()).isZero();
        assertThat(operator.storage.usage().bytes()).isZero();
    }

    @Test
    void one_grant_cannot_exceed_its_bytes() {
        allow(10_000);
        Grant.Signed grant = world.await(world.client.requestGrant(operator.id(), world.tenant, MIB, null));
        assertThat(grant.grant().bytes()).isEqualTo(10_000);
        assertThat(grant.grant().kind()).isEqualTo(Grant.Kind.ALLOW_LIST);
        GroupId first = GroupId.random(SECRETS);
        GroupId second = GroupId.random(SECRETS);
        assertThat(world.await(world.client.lease(operator.id(), world.order(first, 0, MIB), grant, null))
                        .available())
                .isEqualTo(10_000);
        world.await(world.client.lease(operator.id(), world.order(second, 0, MIB), grant, null));
        List<StoredBlock> blocks = world.blocks(3, 4_000);
        assertThat(put(new SlotAddress(first, 0, 1), blocks.get(0))).isEqualTo(Verdict.STORED);
        assertThat(put(new SlotAddress(first, 0, 1), blocks.get(0))).isEqualTo(Verdict.STORED);
        assertThat(put(new SlotAddress(second, 0, 1), blocks.get(1))).isEqualTo(Verdict.STORED);
        assertThat(put(new SlotAddress(second, 0, 1), blocks.get(2)).outcome()).isEqualTo(Verdict.Outcome.NO_SPACE);
        // the same block in another slot counts there, too
        assertThat(put(new SlotAddress(second, 0, 1), blocks.get(0)).outcome()).isEqualTo(Verdict.Outcome.NO_SPACE);
        assertThat(operator.storage.usage().bytes()).isEqualTo(8_000);
    }

    @Test
    void a_lease_and_the_operator_have_their_limits_too() {
        allow(1000 * MIB);
        GroupId group = GroupId.random(SECRETS);
        StorageClient.Leased leased =
                world.await(world.client.lease(operator.id(), world.order(group, 0, 5_000), null, null));
        assertThat(leased.available()).isEqualTo(5_000);
        assertThat(leased.lifetime()).isEqualTo(LeaseOrder.USUAL);
        List<StoredBlock> blocks = world.blocks(2, 4_000);
        assertThat(put(new SlotAddress(group, 0, 1), blocks.get(0))).isEqualTo(Verdict.STORED);
        assertThat(put(new SlotAddress(group, 0, 1), blocks.get(1)).outcome()).isEqualTo(Verdict.Outcome.NO_SPACE);
        GroupId big = GroupId.random(SECRETS);
        assertThat(world.await(world.client.lease(operator.id(), world.order(big, 0, 1000 * MIB), null, null))
                        .available())
                .isEqualTo(100 * MIB - 4_000);
    }

    @Test
    void an_invitation_is_good_once() {
        GrantInvitation invitation = new GrantInvitation(
                operator.id(), operator.storage.grants().invite(5 * MIB, SECRETS), 5 * MIB, operator.host.addresses());
        GrantInvitation copied = GrantInvitation.parse(invitation.print());
        Grant.Signed grant = world.await(world.client.requestGrant(operator.id(), world.tenant, MIB, copied));
        assertThat(grant.grant().bytes()).isEqualTo(5 * MIB);
        // a lost answer may be asked for again, and gives no more
        assertThat(world.await(world.client.requestGrant(operator.id(), world.tenant, MIB, copied))
                        .grant()
                        .bytes())
                .isEqualTo(5 * MIB);
        assertRefused(
                ErrorKind.ACCESS_DENIED,
                () -> world.await(
                        world.client.requestGrant(operator.id(), IdentityKey.generate(SECRETS), MIB, copied)));
    }

    @Test
    void strangers_get_what_the_open_mode_leaves_and_no_prefix_more_than_its_share() {
        operator.storage.grants().setOpen(new GrantBook.OpenMode(10 * MIB, 4 * MIB));
        Grant.Signed first = world.await(world.client.requestGrant(operator.id(), world.tenant, 100 * MIB, null));
        assertThat(first.grant().bytes()).isEqualTo(4 * MIB);
        assertThat(first.grant().kind()).isEqualTo(Grant.Kind.OPEN);
        assertRefused(
                ErrorKind.ACCESS_DENIED,
                () -> world.await(world.client.requestGrant(operator.id(), IdentityKey.generate(SECRETS), MIB, null)));
        Operator elsewhere = world.add(StorageOptions.of(0));
        assertThat(world.await(elsewhere.client.requestGrant(
                                operator.id(), IdentityKey.generate(SECRETS), 100 * MIB, null))
                        .grant()
                        .bytes())
                .isEqualTo(4 * MIB);
    }

    @Test
    void who_stores_for_the_operator_gets_as_much() {
        GrantBook book = operator.storage.grants();
        IdentityKey other = IdentityKey.generate(SECRETS);
        GrantBook.Applicant giver = new GrantBook.Applicant(world.writer.id(), "", 6 * MIB);
        GrantBook.Account account = book.request(world.tenant.peerId(), 4 * MIB, null, giver, 0);
        assertThat(account).isNotNull();
        assertThat(account.kind()).isEqualTo(Grant.Kind.RECIPROCITY);
        assertThat(account.bytes()).isEqualTo(4 * MIB);
        GrantBook.Account second = book.request(other.peerId(), 4 * MIB, null, giver, 0);
        assertThat(second).isNotNull();
        assertThat(second.bytes()).isEqualTo(2 * MIB);
    }

    @Test
    void a_fresh_machine_finds_groups_blocks_and_head_by_asking() {
        allow(100 * MIB);
        Operator second = world.add(StorageOptions.of(100 * MIB));
        second.storage.grants().allow(world.tenant.peerId(), 100 * MIB, world.net.wallMillis());
        List<StoredBlock> blocks = world.blocks(50, 1_000);
        TableChain chain = world.closedGroup(blocks, List.of(operator, second));
        byte[] volume = new byte[32];
        PinnedHead.Signed head = new PinnedHead(world.tenant.peerId(), volume, 7, new byte[] {1, 2, 3})
                .sign(world.tenant, Network.PUBLIC.id());
        assertThat(world.await(world.client.pinHead(operator.id(), head))).isEqualTo(7);
        PinnedHead.Signed older = new PinnedHead(world.tenant.peerId(), volume, 6, new byte[] {1})
                .sign(world.tenant, Network.PUBLIC.id());
        assertThat(world.await(world.client.pinHead(operator.id(), older))).isEqualTo(7);

        StorageClient fresh = second.client;
        List<TableChain> groups = world.await(fresh.groups(operator.id(), world.tenant.peerId()));
        assertThat(groups).hasSize(1);
        assertThat(groups.get(0).newest()).isEqualTo(chain.newest());
        assertThat(world.await(fresh.allHoldings(operator.id(), world.tenant.peerId(), chain.group(), 0)))
                .hasSize(51)
                .startsWith(new Inventory.Entry(blocks.get(0).cid(), 1_000));
        assertThat(world.await(fresh.lacks(operator.id(), world.tenant.peerId(), chain.group(), 0, false))
                        .missing()
                        .isEmpty())
                .isTrue();
        operator.blocks.delete(List.of(blocks.get(3).cid(), blocks.get(9).cid()));
        assertThat(
                        world
                                .await(fresh.lacks(operator.id(), world.tenant.peerId(), chain.group(), 0, false))
                                .missing()
                                .stream()
                                .toArray())
                .containsExactly(3, 9);
        assertThat(world.await(fresh.head(operator.id(), world.tenant.peerId(), volume)))
                .hasValueSatisfying(h -> assertThat(h.pin()).isEqualTo(head.pin()));
        assertThat(world.await(operator.client.head(second.id(), world.tenant.peerId(), volume)))
                .isEmpty();
        assertThat(operator.storage.digest(second.id()))
                .isEqualTo(second.storage.digest(operator.id()))
                .isNotZero();
        assertThat(world.await(second.client.probe(operator.id(), 0))).isEqualTo(second.storage.digest(operator.id()));
        assertThat(world.await(second.client.shared(operator.id(), 0))).hasSize(1);
    }

    @Test
    void only_the_tenant_deletes_and_not_at_once() {
        allow(100 * MIB);
        TableChain chain = world.closedGroup(world.blocks(5, 1_000), List.of(operator));
        SlotAddress slot = chain.newest().slot(0);
        IdentityKey thief = IdentityKey.generate(SECRETS);
        assertRefused(
                ErrorKind.NOT_FOUND,
                () -> world.await(world.client.release(
                        operator.id(), new ReleaseOrder(thief.peerId(), slot, 99).sign(thief, Network.PUBLIC.id()))));
        world.await(world.client.release(
                operator.id(),
                new ReleaseOrder(world.tenant.peerId(), slot, 99).sign(world.tenant, Network.PUBLIC.id())));
        world.net.runFor(Duration.ofDays(6));
        assertThat(operator.blocks.size()).isEqualTo(6);
        world.net.runFor(Duration.ofDays(2));
        assertThat(operator.blocks.size()).isZero();
        assertThat(operator.storage.usage().bytes()).isZero();
        assertThat(operator.storage.table(chain.tenant(), chain.group())).isNull();
    }

    @Test
    void a_block_stays_while_another_slot_has_it() {
        allow(100 * MIB);
        List<StoredBlock> blocks = world.blocks(5, 1_000);
        TableChain first = world.closedGroup(blocks, List.of(operator));
        world.closedGroup(blocks.subList(0, 2), List.of(operator));
        world.await(world.client.release(
                operator.id(),
                new ReleaseOrder(world.tenant.peerId(), first.newest().slot(0), 99)
                        .sign(world.tenant, Network.PUBLIC.id())));
        world.net.runFor(Duration.ofDays(8));
        assertThat(operator.blocks.size()).isEqualTo(3);
        assertThat(operator.blocks
                        .has(List.of(blocks.get(0).cid(), blocks.get(1).cid()))
                        .cardinality())
                .isEqualTo(2);
    }

    @Test
    void a_table_that_moves_the_slot_elsewhere_ends_it_after_the_delay_unless_it_comes_back() {
        allow(100 * MIB);
        Operator second = world.add(StorageOptions.of(100 * MIB));
        TableChain chain = world.closedGroup(world.blocks(5, 1_000), List.of(operator));
        SlotTable moved = chain.newest().moved(List.of(second.id()));
        TableChain next = chain.then(moved.sign(world.tenant, Network.PUBLIC.id()));
        assertThat(world.await(world.client.tell(operator.id(), next)).generation())
                .isEqualTo(2);
        assertThat(world.await(world.client.tell(operator.id(), chain)).generation())
                .as("an older table changes nothing")
                .isEqualTo(2);
        world.net.runFor(Duration.ofDays(5));
        TableChain back = next.then(moved.moved(List.of(operator.id())).sign(world.tenant, Network.PUBLIC.id()));
        world.await(world.client.tell(operator.id(), back));
        world.net.runFor(Duration.ofDays(5));
        assertThat(operator.blocks.size()).isEqualTo(6);
        world.await(world.client.tell(
                operator.id(),
                back.then(back.newest().moved(List.of(second.id())).sign(world.tenant, Network.PUBLIC.id()))));
        world.net.runFor(Duration.ofDays(8));
        assertThat(operator.blocks.size()).isZero();
    }

    @Test
    void a_lease_that_nobody_renews_ends_after_its_grace() {
        allow(100 * MIB);
        TableChain chain = world.closedGroup(world.blocks(5, 1_000), List.of(operator));
        world.net.runFor(Duration.ofDays(110));
        assertThat(operator.blocks.size()).isEqualTo(6);
        world.await(world.client.lease(operator.id(), world.order(chain.group(), 0, MIB), null, null));
        world.net.runFor(Duration.ofDays(115));
        assertThat(operator.blocks.size()).isEqualTo(6);
        world.net.runFor(Duration.ofDays(10));
        assertThat(operator.blocks.size()).isZero();
    }

    @Test
    void a_revoked_tenant_gets_nothing_more_even_with_its_old_grant() {
        allow(100 * MIB);
        Grant.Signed grant = world.await(world.client.requestGrant(operator.id(), world.tenant, MIB, null));
        assertThat(operator.storage.grants().revoke(world.tenant.peerId())).isTrue();
        assertRefused(
                ErrorKind.ACCESS_DENIED,
                () -> world.await(
                        world.client.lease(operator.id(), world.order(GroupId.random(SECRETS), 0, MIB), grant, null)));
    }

    @Test
    void a_holder_leases_a_replacement_under_the_mandate_and_nobody_else_does() {
        Operator second = world.add(StorageOptions.of(100 * MIB));
        Operator spare = world.add(StorageOptions.of(100 * MIB));
        world.operators.forEach(
                o -> o.storage.grants().allow(world.tenant.peerId(), 100 * MIB, world.net.wallMillis()));
        TableChain chain = world.closedGroup(world.blocks(5, 1_000), List.of(operator, second));
        SlotAddress next = new SlotAddress(chain.group(), 1, 2);
        assertRefused(
                ErrorKind.ACCESS_DENIED,
                () -> world.await(world.client.leaseForRepair(spare.id(), next, MIB, world.mandate(MIB), chain)));
        assertRefused(
                ErrorKind.ACCESS_DENIED,
                () -> world.await(
                        operator.client.leaseForRepair(spare.id(), next, 2 * MIB, world.mandate(MIB), chain)));
        assertThat(world.await(operator.client.leaseForRepair(spare.id(), next, MIB, world.mandate(MIB), chain))
                        .available())
                .isEqualTo(MIB);
        // without a table that names it the slot goes again
        world.net.runFor(Duration.ofDays(2));
        assertThat(spare.storage.hosted()).isEmpty();
    }
}
