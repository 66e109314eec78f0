package io.ppiofs.overlay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Golden;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class StorageRecordsTest {
    private static final NetworkId NETWORK = Network.PUBLIC.id();
    private static final IdentityKey OPERATOR = key(1);
    private static final IdentityKey TENANT = key(2);
    private static final GroupId GROUP = GroupId.of(filled(GroupId.LENGTH, 7));

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static IdentityKey key(int i) {
        return IdentityKey.ofSeed(filled(32, i));
    }

    private final Grant grant =
            new Grant(TENANT.peerId(), OPERATOR.peerId(), 3, 1L << 40, Duration.ofDays(366), Grant.Kind.INVITATION);
    private final LeaseOrder lease = new LeaseOrder(
            TENANT.peerId(),
            new SlotAddress(GROUP, 2, 5),
            9,
            List.of(key(3).peerId(), key(4).peerId()),
            256 << 20,
            LeaseOrder.USUAL);
    private final ReleaseOrder release = new ReleaseOrder(TENANT.peerId(), new SlotAddress(GROUP, 2, 6), 10);
    private final RepairMandate mandate = new RepairMandate(TENANT.peerId(), 1, 300 << 20, Duration.ofDays(90));
    private final PinnedHead head = new PinnedHead(TENANT.peerId(), filled(32, 8), 77, new byte[] {1, 2, 3});
    private final WriterLease writer =
            new WriterLease(TENANT.peerId(), filled(32, 8), key(3).peerId(), 5, Duration.ofSeconds(30));
    private final Custody custody = new Custody(TENANT.peerId(), key(3).peerId(), 1_800_000_000_000L);
    private final StorageAdvert advert = new StorageAdvert(
            OPERATOR.peerId(),
            4,
            1L << 40,
            1L << 39,
            "cellar",
            List.of("eu", "de"),
            Reachability.PUBLIC,
            true,
            List.of(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001")),
            Duration.ofMinutes(30));

    /** Name, envelope. */
    private Map<String, byte[]> envelopes() {
        Map<String, byte[]> all = new LinkedHashMap<>();
        all.put("storage-grant", grant.sign(OPERATOR, NETWORK).envelope());
        all.put("storage-lease", lease.sign(TENANT, NETWORK).envelope());
        all.put("storage-release", release.sign(TENANT, NETWORK).envelope());
        all.put("storage-repair-mandate", mandate.sign(TENANT, NETWORK).envelope());
        all.put("storage-head", head.sign(TENANT, NETWORK).envelope());
        all.put("storage-advert", advert.sign(OPERATOR, NETWORK).envelope());
        all.put("storage-writer", writer.sign(TENANT, NETWORK).envelope());
        all.put("storage-custody", custody.sign(TENANT, NETWORK).envelope());
        all.put(
                "storage-grant-request",
                new GrantRequest(TENANT.peerId(), OPERATOR.peerId(), 1000, filled(16, 5)).seal(TENANT, NETWORK));
        return all;
    }

    private static final Map<String, BiFunction<byte[], NetworkId, ?>> OPENERS = Map.of(
            "storage-grant", Grant::open,
            "storage-lease", LeaseOrder::open,
            "storage-release", ReleaseOrder::open,
            "storage-repair-mandate", RepairMandate::open,
            "storage-head", PinnedHead::open,
            "storage-advert", StorageAdvert::open,
            "storage-writer", WriterLease::open,
            "storage-custody", Custody::open,
            "storage-grant-request", GrantRequest::open);

    @Test
    void the_bytes_never_change() {
        envelopes()
                .forEach((name, bytes) ->
                        assertThat(HexFormat.of().formatHex(bytes)).as(name).isEqualTo(Golden.hex(name, bytes)));
    }

    @Test
    void what_was_signed_is_read_back() {
        Map<String, byte[]> all = envelopes();
        assertThat(Grant.open(all.get("storage-grant"), NETWORK).grant()).isEqualTo(grant);
        assertThat(LeaseOrder.open(all.get("storage-lease"), NETWORK).order()).isEqualTo(lease);
        assertThat(ReleaseOrder.open(all.get("storage-release"), NETWORK).order())
                .isEqualTo(release);
        assertThat(RepairMandate.open(all.get("storage-repair-mandate"), NETWORK)
                        .mandate())
                .isEqualTo(mandate);
        assertThat(PinnedHead.open(all.get("storage-head"), NETWORK).pin()).isEqualTo(head);
        assertThat(WriterLease.open(all.get("storage-writer"), NETWORK).lease()).isEqualTo(writer);
        assertThat(Custody.open(all.get("storage-custody"), NETWORK).custody()).isEqualTo(custody);
        assertThat(StorageAdvert.open(all.get("storage-advert"), NETWORK).advert())
                .isEqualTo(advert);
    }

    @Test
    void no_record_opens_damaged_or_in_another_network_or_as_another_kind() {
        long seed = System.nanoTime();
        System.out.println("storage records, seed " + seed);
        Random random = new Random(seed);
        envelopes().forEach((name, bytes) -> {
            for (int i = 0; i < 50; i++) {
                byte[] damaged = bytes.clone();
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
                assertRefused(name, damaged, NETWORK);
            }
            assertRefused(name, Arrays.copyOf(bytes, bytes.length - 1), NETWORK);
            assertRefused(name, bytes, NetworkId.LOCAL);
            OPENERS.keySet().stream()
                    .filter(other -> !other.equals(name))
                    .forEach(other -> assertRefused(other, bytes, NETWORK));
        });
    }

    private static void assertRefused(String name, byte[] bytes, NetworkId network) {
        assertThatThrownBy(() -> OPENERS.get(name).apply(bytes, network))
                .as(name)
                .isInstanceOf(PpiofsException.class);
    }

    @Test
    void nobody_signs_for_somebody_else() {
        assertThatThrownBy(() -> grant.sign(TENANT, NETWORK)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> lease.sign(OPERATOR, NETWORK)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> GrantRequest.open(
                        new GrantRequest(TENANT.peerId(), OPERATOR.peerId(), 1, null).seal(OPERATOR, NETWORK), NETWORK))
                .isInstanceOf(PpiofsException.class);
    }

    @Test
    void an_invitation_survives_copying_and_finds_slips() {
        GrantInvitation invitation = new GrantInvitation(
                OPERATOR.peerId(), filled(16, 3), 5L << 30, List.of(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001")));
        String text = invitation.print();
        GrantInvitation read = GrantInvitation.parse("  " + text + "\n");
        assertThat(read.token()).isEqualTo(invitation.token());
        assertThat(read.operator()).isEqualTo(invitation.operator());
        assertThat(read.addresses()).isEqualTo(invitation.addresses());
        assertThat(read.bytes()).isEqualTo(invitation.bytes());
        assertThat(invitation.toString()).doesNotContain(text.substring(GrantInvitation.PREFIX.length()));
        for (int i = GrantInvitation.PREFIX.length(); i < text.length(); i += 7) {
            String slipped = text.substring(0, i) + (text.charAt(i) == 'a' ? 'b' : 'a') + text.substring(i + 1);
            assertThatThrownBy(() -> GrantInvitation.parse(slipped))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
        }
    }
}
