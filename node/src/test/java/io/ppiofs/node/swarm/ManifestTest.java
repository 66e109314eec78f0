package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotTable;
import java.security.SecureRandom;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class ManifestTest {
    private static final NetworkId NETWORK = NetworkId.LOCAL;
    private final SecureRandom random = new SecureRandom();
    private final IdentityKey tenant = IdentityKey.generate(random);
    private final Cid inventory = SwarmReader.asBlock(new byte[] {1}).cid();

    private SlotTable.Signed table() {
        return table(GroupId.random(random));
    }

    private SlotTable.Signed table(GroupId id) {
        return new SlotTable(
                        tenant.peerId(), id, 1, Scheme.copies(1), SlotTable.State.OPEN, List.of(tenant.peerId()), null)
                .sign(tenant, NETWORK);
    }

    private static void refused(byte[] bytes, ErrorKind kind) {
        assertThatThrownBy(() -> Manifest.decode(bytes, NETWORK))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    private CborMap.Builder fields(int version) {
        return CborMap.builder().put(1, version).put(2, NETWORK.bytes());
    }

    /** The bytes that were published before there were pages, made here without the class. */
    @Test
    void what_was_published_before_there_were_pages_is_read() {
        SlotTable.Signed table = table();
        byte[] old = CborEncoder.encode(fields(1)
                .put(
                        3,
                        new CborArray(List.of(new CborArray(List.of(
                                CborBytes.of(table.envelope()), CborBytes.of(inventory.digest()), new CborInt(5))))))
                .build());
        Manifest read = Manifest.decode(old, NETWORK);
        assertThat(read.pages()).isEmpty();
        assertThat(read.keeper()).isNull();
        assertThat(read.places()).hasSize(1);
        assertThat(read.places().get(0).blocks()).isEqualTo(5);
        assertThat(read.encode()).isEqualTo(old);
    }

    @Test
    void pages_and_their_keeper_come_back_as_they_were() {
        SlotTable.Signed keeper = table(GroupId.forManifests(random));
        Manifest manifest = new Manifest(
                NETWORK,
                List.of(new Manifest.Place(table(), inventory, 7)),
                List.of(new Manifest.Page(inventory, 3, 1_000)),
                keeper);
        Manifest read = Manifest.decode(manifest.encode(), NETWORK);
        assertThat(read.pages()).isEqualTo(manifest.pages());
        assertThat(read.keeper()).isNotNull();
        assertThat(read.keeper().envelope()).isEqualTo(keeper.envelope());
        assertThat(read.encode()).isEqualTo(manifest.encode());
    }

    @Test
    void where_the_tags_of_a_group_are_is_said_and_an_older_version_stays_what_it_was() {
        Cid tags = SwarmReader.asBlock(new byte[] {2}).cid();
        Manifest.Place tagged = new Manifest.Place(table(), inventory, 7, tags);
        Manifest.Place other = new Manifest.Place(table(), inventory, 7);
        SlotTable.Signed keeper = table(GroupId.forManifests(random));
        Manifest.Page page = new Manifest.Page(inventory, 3, 1_000);
        for (Manifest manifest : List.of(
                Manifest.page(NETWORK, List.of(tagged, other)),
                new Manifest(NETWORK, List.of(other, tagged), List.of(page), keeper))) {
            Manifest read = Manifest.decode(manifest.encode(), NETWORK);
            assertThat(read.places().stream().map(Manifest.Place::tags))
                    .containsExactlyElementsOf(
                            manifest.places().stream().map(Manifest.Place::tags).toList());
            assertThat(read.encode()).isEqualTo(manifest.encode());
        }
        CborArray item = new CborArray(List.of(
                CborBytes.of(table().envelope()),
                CborBytes.of(inventory.digest()),
                new CborInt(7),
                CborBytes.of(tags.digest())));
        refused(
                CborEncoder.encode(
                        fields(1).put(3, new CborArray(List.of(item))).build()),
                ErrorKind.CORRUPT);
        CborArray shortTags = new CborArray(List.of(
                CborBytes.of(table().envelope()),
                CborBytes.of(inventory.digest()),
                new CborInt(7),
                CborBytes.of(new byte[31])));
        refused(
                CborEncoder.encode(
                        fields(3).put(3, new CborArray(List.of(shortTags))).build()),
                ErrorKind.CORRUPT);
    }

    @Test
    void what_is_none_is_refused() {
        CborArray none = new CborArray(List.of());
        byte[] keeper = table(GroupId.forManifests(random)).envelope();
        CborMap.Builder keptAmongBlocks = fields(2).put(3, none).put(4, none).put(5, table().envelope());
        refused(CborEncoder.encode(keptAmongBlocks.build()), ErrorKind.CORRUPT);
        refused(CborEncoder.encode(fields(5).put(3, none).build()), ErrorKind.UNSUPPORTED_FORMAT);
        refused(CborEncoder.encode(fields(0).put(3, none).build()), ErrorKind.UNSUPPORTED_FORMAT);
        refused(CborEncoder.encode(fields(3).put(3, none).build()), ErrorKind.CORRUPT);
        refused(CborEncoder.encode(fields(2).put(3, none).build()), ErrorKind.CORRUPT);
        for (CborArray page : List.of(
                new CborArray(List.of(CborBytes.of(new byte[31]), new CborInt(1), new CborInt(1))),
                new CborArray(List.of(CborBytes.of(new byte[32]), new CborInt(0), new CborInt(1))),
                new CborArray(List.of(CborBytes.of(new byte[32]), new CborInt(1), new CborInt(1L << 40))),
                new CborArray(List.of(CborBytes.of(new byte[32]), new CborInt((1 << 20) + 1), new CborInt(1))),
                none)) {
            refused(
                    CborEncoder.encode(fields(2)
                            .put(3, none)
                            .put(4, new CborArray(List.of(page)))
                            .put(5, keeper)
                            .build()),
                    ErrorKind.CORRUPT);
        }
    }

    @Test
    void a_page_of_other_groups_or_with_pages_of_its_own_is_refused() {
        byte[] page = Manifest.page(NETWORK, List.of(new Manifest.Place(table(), inventory, 7)))
                .encode();
        Manifest.Page one = new Manifest.Page(inventory, 1, page.length);
        assertThat(Manifest.decodePage(page, NETWORK, one).places()).hasSize(1);
        assertThatThrownBy(() -> Manifest.decodePage(page, NETWORK, new Manifest.Page(inventory, 2, page.length)))
                .isInstanceOf(PpiofsException.class);
        byte[] whole = new Manifest(
                        NETWORK,
                        List.of(new Manifest.Place(table(), inventory, 7)),
                        List.of(one),
                        table(GroupId.forManifests(random)))
                .encode();
        assertThatThrownBy(() -> Manifest.decodePage(whole, NETWORK, one)).isInstanceOf(PpiofsException.class);
    }
}
