package io.ppiofs.overlay.network;

import io.ppiofs.overlay.identity.IdentityKey;
import java.time.Duration;
import java.util.Arrays;

/** Fixed keys and records. */
final class Example {
    static final long NOW = 1_795_000_000_000L;
    static final IdentityKey FOUNDER = key(1);
    static final IdentityKey ALICE = key(2);
    static final IdentityKey BOB = key(3);
    static final Genesis CLOSED = Genesis.found("club", NetworkParameters.DEFAULT, FOUNDER, true, new byte[16]);
    static final Network CLUB = new Network(CLOSED);

    private Example() {}

    static IdentityKey key(int i) {
        byte[] seed = new byte[32];
        Arrays.fill(seed, (byte) i);
        return IdentityKey.ofSeed(seed);
    }

    static MembershipAuthority authority() {
        return MembershipAuthority.begin(CLOSED, FOUNDER);
    }

    static MembershipCertificate certify(MembershipAuthority authority, IdentityKey peer) {
        return authority.issue(peer.peerId(), "somebody", Role.MEMBER, Duration.ofDays(30), NOW);
    }
}
