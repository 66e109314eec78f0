package io.ppiofs.overlay.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MembershipTest {
    private static final HexFormat HEX = HexFormat.of();

    private final MembershipAuthority authority = Example.authority();
    private final MembershipCertificate alice =
            authority.issue(Example.ALICE.peerId(), "Alice's laptop", Role.SUPER, Duration.ofDays(30), Example.NOW);
    private final MembershipCertificate bob = Example.certify(authority, Example.BOB);

    @Test
    void a_certificate_is_that_of_the_format() {
        assertThat(HEX.formatHex(alice.encode())).isEqualTo(Golden.hex("certificate", alice.encode()));
        MembershipCertificate read = MembershipCertificate.decode(alice.encode(), Example.CLOSED);
        assertThat(read.peer()).isEqualTo(Example.ALICE.peerId());
        assertThat(read.role()).isEqualTo(Role.SUPER);
        assertThat(read.serial()).isEqualTo(1);
        assertThat(read.lifetime()).contains(Duration.ofDays(30));
        assertThat(bob.serial()).isEqualTo(2);
    }

    @Test
    void a_certificate_is_in_force_for_its_lifetime_and_the_skew_of_clocks() {
        long end = Example.NOW + Duration.ofDays(30).toMillis();
        long skew = MembershipCertificate.CLOCK_SKEW.toMillis();
        assertThat(alice.inForceAt(Example.NOW)).isTrue();
        assertThat(alice.inForceAt(Example.NOW - skew)).isTrue();
        assertThat(alice.inForceAt(Example.NOW - skew - 1)).isFalse();
        assertThat(alice.inForceAt(end + skew - 1)).isTrue();
        assertThat(alice.inForceAt(end + skew)).isFalse();
        MembershipCertificate endless = authority.issue(Example.ALICE.peerId(), "", Role.MEMBER, null, Example.NOW);
        assertThat(endless.inForceAt(Long.MAX_VALUE / 4)).isTrue();
    }

    @Test
    void a_member_is_admitted_and_nobody_else() {
        MembershipRoll roll = new MembershipRoll(Example.CLOSED, bob, null);
        assertThat(roll.check(Example.ALICE.peerId(), alice.encode(), Example.NOW)
                        .serial())
                .isEqualTo(1);
        assertKind(() -> roll.check(Example.BOB.peerId(), alice.encode(), Example.NOW), ErrorKind.ACCESS_DENIED);
        assertKind(() -> roll.check(Example.ALICE.peerId(), new byte[0], Example.NOW), ErrorKind.CORRUPT);
        long late = Example.NOW + Duration.ofDays(31).toMillis();
        assertKind(() -> roll.check(Example.ALICE.peerId(), alice.encode(), late), ErrorKind.ACCESS_DENIED);
    }

    @Test
    void the_certificate_of_another_network_is_worthless() {
        Genesis other = Genesis.closed("club", NetworkParameters.DEFAULT, Example.FOUNDER, new SecureRandom());
        MembershipCertificate foreign =
                Example.certify(MembershipAuthority.begin(other, Example.FOUNDER), Example.ALICE);
        assertKind(() -> MembershipCertificate.decode(foreign.encode(), Example.CLOSED), ErrorKind.CORRUPT);
        MembershipCertificate forged = MembershipCertificate.issue(
                Example.ALICE, Example.CLOSED.id(), Example.ALICE.peerId(), Role.SUPER, 9, Example.NOW, null);
        assertKind(() -> MembershipCertificate.decode(forged.encode(), Example.CLOSED), ErrorKind.CORRUPT);
    }

    @Test
    void the_revocation_list_of_the_highest_version_wins() {
        MembershipRoll roll = new MembershipRoll(Example.CLOSED, alice, null);
        List<Long> heard = new ArrayList<>();
        roll.addListener(list -> heard.add(list.version()));
        RevocationList empty = authority.revocations(Example.NOW);
        RevocationList first = authority.revoke(Example.BOB.peerId(), Example.NOW);
        assertThat(HEX.formatHex(first.encode())).isEqualTo(Golden.hex("revocations", first.encode()));
        assertThat(roll.offer(first.encode())).isTrue();
        assertThat(roll.offer(first.encode())).isFalse();
        assertThat(roll.offer(empty.encode())).isFalse();
        assertThat(heard).containsExactly(1L);
        assertKind(() -> roll.check(Example.BOB.peerId(), bob.encode(), Example.NOW), ErrorKind.ACCESS_DENIED);
        assertThat(roll.check(Example.ALICE.peerId(), alice.encode(), Example.NOW)
                        .role())
                .isEqualTo(Role.SUPER);
    }

    @Test
    void a_clock_that_stands_still_does_not_keep_a_certificate_alive() {
        MembershipRoll roll = new MembershipRoll(Example.CLOSED, alice, null);
        authority.revoke(Example.ALICE.peerId(), Example.NOW);
        long later = Example.NOW + Duration.ofDays(40).toMillis();
        roll.offer(authority.revocations(later).encode());
        assertKind(() -> roll.check(Example.BOB.peerId(), bob.encode(), Example.NOW), ErrorKind.ACCESS_DENIED);
    }

    @Test
    void expired_certificates_leave_the_list() {
        assertThat(authority.revoke(Example.BOB.peerId(), Example.NOW).serials())
                .containsExactly(2L);
        long later = Example.NOW + Duration.ofDays(40).toMillis();
        assertThat(authority.revocations(later).serials()).isEmpty();
    }

    @Test
    void the_book_comes_back_as_it_was_written() {
        authority.revoke(Example.BOB.peerId(), Example.NOW);
        byte[] book = authority.encodeBook();
        assertThat(HEX.formatHex(book)).isEqualTo(Golden.hex("book", book));
        MembershipAuthority again = MembershipAuthority.resume(Example.CLOSED, Example.FOUNDER, book);
        assertThat(again.encodeBook()).isEqualTo(book);
        assertThat(again.members())
                .extracting(MembershipAuthority.Member::revoked)
                .containsExactly(false, true);
        assertThat(Example.certify(again, Example.BOB).serial()).isEqualTo(3);
        assertKind(() -> again.revoke(Example.FOUNDER.peerId(), Example.NOW), ErrorKind.NOT_FOUND);
        assertKind(() -> MembershipAuthority.resume(Example.CLOSED, Example.ALICE, book), ErrorKind.WRONG_KEY);
    }

    @Test
    void an_invitation_comes_back_as_it_was_printed() {
        Multiaddr first = Multiaddr.parse("/ip4/192.0.2.7/tcp/4001/p2p/" + Example.BOB.peerId());
        Invitation invitation = new Invitation(Example.CLOSED, List.of(first), alice);
        String text = invitation.print();
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertThat(HEX.formatHex(bytes)).isEqualTo(Golden.hex("invitation", bytes));
        Invitation read = Invitation.parse(" " + text + "\n");
        assertThat(read.genesis()).isEqualTo(Example.CLOSED);
        assertThat(read.bootstrap()).containsExactly(first);
        assertThat(read.membership().orElseThrow().encode()).isEqualTo(alice.encode());
        assertThat(Invitation.parse(new Invitation(Genesis.PUBLIC, List.of(), null).print())
                        .membership())
                .isEmpty();
    }

    @Test
    void a_slip_of_the_pen_is_found() {
        String text = new Invitation(Genesis.PUBLIC, List.of(), null).print();
        for (int i = 0; i < text.length(); i++) {
            char other = text.charAt(i) == 'a' ? 'b' : 'a';
            String wrong = text.substring(0, i) + other + text.substring(i + 1);
            assertKind(() -> Invitation.parse(wrong), ErrorKind.INVALID);
        }
        assertKind(() -> Invitation.parse(""), ErrorKind.INVALID);
        assertKind(() -> Invitation.parse(Invitation.PREFIX), ErrorKind.INVALID);
    }

    @Test
    void the_advert_of_a_super_peer_is_signed_by_itself() {
        SuperPeerAdvert advert = new SuperPeerAdvert(
                Example.ALICE.peerId(),
                7,
                EnumSet.of(SuperPeerAdvert.Service.RELAY, SuperPeerAdvert.Service.PERSISTENT_STORAGE),
                List.of(Multiaddr.parse("/ip4/192.0.2.7/udp/4001/quic-v1")),
                Duration.ofHours(6));
        byte[] sealed = advert.seal(Example.ALICE, Example.CLUB);
        assertThat(HEX.formatHex(sealed)).isEqualTo(Golden.hex("super-peer", sealed));
        assertThat(SuperPeerAdvert.open(sealed, Example.CLUB)).isEqualTo(advert);
        assertKind(() -> SuperPeerAdvert.open(sealed, Network.PUBLIC), ErrorKind.CORRUPT);
        SuperPeerAdvert silent =
                new SuperPeerAdvert(Example.BOB.peerId(), 0, Set.of(), List.of(), Duration.ofSeconds(1));
        assertThat(SuperPeerAdvert.open(silent.seal(Example.BOB, Example.CLUB), Example.CLUB))
                .isEqualTo(silent);
    }

    private static void assertKind(Runnable action, ErrorKind kind) {
        assertThatThrownBy(action::run)
                .isInstanceOf(PpiofsException.class)
                .extracting(e -> ((PpiofsException) e).kind())
                .isEqualTo(kind);
    }
}
