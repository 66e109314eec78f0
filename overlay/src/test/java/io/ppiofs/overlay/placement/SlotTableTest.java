package io.ppiofs.overlay.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class SlotTableTest {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final NetworkId network = NetworkId.of(
            new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8
            });
    private final IdentityKey tenant = IdentityKey.generate(RANDOM);
    private final List<IdentityKey> peers = new ArrayList<>();

    SlotTableTest() {
        for (int i = 0; i < 5; i++) {
            peers.add(IdentityKey.generate(RANDOM));
        }
    }

    private PeerId peer(int i) {
        return peers.get(i).peerId();
    }

    private SlotTable first() {
        return new SlotTable(
                tenant.peerId(),
                GroupId.random(RANDOM),
                1,
                Scheme.DEFAULT,
                SlotTable.State.CLOSED,
                List.of(peer(0), peer(1), peer(2)),
                Cid.of(ByteBuffer.wrap(new byte[] {1})));
    }

    @Test
    void what_the_tenant_signs_opens_anywhere_in_its_network() {
        SlotTable table = first();
        SlotTable.Signed opened = SlotTable.open(table.sign(tenant, network).envelope(), network, null);
        assertThat(opened.table()).isEqualTo(table);
        assertThat(opened.byTenant()).isTrue();
        assertThatThrownBy(() -> SlotTable.open(opened.envelope(), NetworkId.LOCAL, null))
                .isInstanceOf(PpiofsException.class);
    }

    @Test
    void a_holder_may_sign_the_next_generation_and_change_holders_only() {
        SlotTable.Signed before = first().sign(tenant, network);
        SlotTable next = before.table().moved(List.of(peer(0), peer(3), peer(2)));
        SlotTable.Signed moved = SlotTable.open(next.sign(peers.get(2), network).envelope(), network, before);
        assertThat(moved.table()).isEqualTo(next);
        assertThat(moved.replaces(before)).isTrue();
        assertThat(before.replaces(moved)).isFalse();
    }

    @Test
    void nobody_else_may_and_no_holder_may_do_more() {
        SlotTable.Signed before = first().sign(tenant, network);
        SlotTable next = before.table().moved(List.of(peer(3), peer(3), peer(3)));
        refused(next.sign(peers.get(3), network), before);
        refused(next.sign(peers.get(0), network), null);
        refused(next.moved(next.holders()).sign(peers.get(0), network), before);
        SlotTable retired = new SlotTable(
                next.tenant(),
                next.group(),
                next.generation(),
                next.scheme(),
                SlotTable.State.RETIRED,
                next.holders(),
                next.inventory());
        refused(retired.sign(peers.get(0), network), before);
        SlotTable other = first();
        refused(other.moved(other.holders()).sign(peers.get(0), network), before);
    }

    private void refused(SlotTable.Signed table, SlotTable.Signed before) {
        assertThatThrownBy(() -> SlotTable.open(table.envelope(), network, before))
                .isInstanceOf(PpiofsException.class);
    }

    @Test
    void of_one_generation_the_tenants_table_wins() {
        SlotTable.Signed before = first().sign(tenant, network);
        SlotTable next = before.table().moved(List.of(peer(0), peer(3), peer(2)));
        SlotTable.Signed byTenant = next.sign(tenant, network);
        SlotTable.Signed byHolder = next.sign(peers.get(0), network);
        SlotTable.Signed byOther = next.sign(peers.get(1), network);
        assertThat(byTenant.replaces(byHolder)).isTrue();
        assertThat(byHolder.replaces(byTenant)).isFalse();
        assertThat(byHolder.replaces(byOther)).isNotEqualTo(byOther.replaces(byHolder));
    }

    @Test
    void an_inventory_keeps_order_places_and_lengths() {
        List<Inventory.Entry> entries = new ArrayList<>();
        for (int i = 0; i < 11; i++) {
            entries.add(new Inventory.Entry(Cid.of(ByteBuffer.wrap(new byte[] {(byte) i})), 100 + i));
        }
        entries.add(2, Inventory.empty());
        Inventory coded = new Inventory(new Scheme(2, 1), entries);
        Inventory read = Inventory.decode(coded.encode());
        assertThat(read).isEqualTo(coded);
        assertThat(read.ofSlot(0)).containsExactly(entries.get(0), entries.get(3), entries.get(6), entries.get(9));
        assertThat(read.ofSlot(2)).containsExactly(entries.get(5), entries.get(8), entries.get(11));
        assertThat(read.bytes()).isEqualTo(11 * 100 + 55);
    }

    @Test
    void a_damaged_inventory_is_refused() {
        byte[] good = new Inventory(
                        Scheme.DEFAULT, List.of(new Inventory.Entry(Cid.of(ByteBuffer.wrap(new byte[] {7})), 9)))
                .encode();
        for (int length = 0; length < good.length; length++) {
            byte[] cut = java.util.Arrays.copyOf(good, length);
            assertThatThrownBy(() -> Inventory.decode(cut)).isInstanceOf(PpiofsException.class);
        }
        byte[] negative = good.clone();
        negative[good.length - 4] = -1;
        assertThatThrownBy(() -> Inventory.decode(negative)).isInstanceOf(PpiofsException.class);
    }

    @Test
    void aGroupOfManifestsIsKnownByItsId() throws Exception {
        SecureRandom random = new SecureRandom();
        GroupId id = GroupId.forManifests(random);
        assertThat(id.isForManifests()).isTrue();
        assertThat(GroupId.of(id.bytes()).isForManifests()).isTrue();
        assertThat(GroupId.random(random).isForManifests()).isFalse();
        byte[] mark = MessageDigest.getInstance("SHA-256")
                .digest(ByteBuffer.allocate(33)
                        .put("ppiofs group of manifests".getBytes(StandardCharsets.US_ASCII))
                        .put(id.bytes(), 0, 8)
                        .array());
        assertThat(Arrays.copyOfRange(id.bytes(), 8, 16)).isEqualTo(Arrays.copyOf(mark, 8));
    }
}
