package io.ppiofs.overlay.network;

import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The membership key's word that a peer belongs to a private network. It says nothing without the handshake that proves
 * the peer id. Times are by the issuer's clock alone: when it was issued, and how long it lasts. Immutable.
 */
public final class MembershipCertificate {
    /** By how much the clocks of issuer and verifier may differ. */
    public static final Duration CLOCK_SKEW = Duration.ofHours(1);

    private static final RecordType TYPE = new RecordType("member", 1);
    private static final long MAX_SECONDS = 100L * 366 * 86_400;
    private static final long MAX_MILLIS = 1L << 50;

    private final PeerId peer;
    private final Role role;
    private final long serial;
    private final long issuedMillis;
    private final @Nullable Duration lifetime;
    private final byte[] envelope;

    private MembershipCertificate(
            PeerId peer, Role role, long serial, long issuedMillis, @Nullable Duration lifetime, byte[] envelope) {
        this.peer = peer;
        this.role = role;
        this.serial = serial;
        this.issuedMillis = issuedMillis;
        this.lifetime = lifetime;
        this.envelope = envelope;
    }

    static MembershipCertificate issue(
            IdentityKey membershipKey,
            NetworkId network,
            PeerId peer,
            Role role,
            long serial,
            long issuedMillis,
            @Nullable Duration lifetime) {
        CborMap.Builder fields = CborMap.builder()
                .put(2, peer.toBytes())
                .put(3, role.ordinal())
                .put(4, serial)
                .put(5, issuedMillis)
                .put(6, lifetime == null ? CborSimple.NULL : new CborInt(lifetime.toSeconds()));
        byte[] envelope = TYPE.seal(membershipKey, network, fields);
        return new MembershipCertificate(peer, role, serial, issuedMillis, lifetime, envelope);
    }

    /**
     * Reads a certificate and checks that the network's membership key signed it. Dates and revocation are not looked at.
     *
     * @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none of this network
     */
    public static MembershipCertificate decode(byte[] envelope, Genesis genesis) {
        return TYPE.open(envelope.clone(), genesis.id(), record -> {
            requireMembershipKey(record, genesis);
            CborMap fields = record.fields();
            fields.requireFields(6);
            return new MembershipCertificate(
                    peer(fields.bytes(2, 1, PeerId.MAX_BYTES)),
                    Role.of(fields.uint(3, 255)),
                    fields.uint(4, Long.MAX_VALUE),
                    fields.uint(5, MAX_MILLIS),
                    fields.get(6) == CborSimple.NULL ? null : Duration.ofSeconds(fields.uint(6, MAX_SECONDS)),
                    record.envelope());
        });
    }

    static void requireMembershipKey(RecordType.Signed record, Genesis genesis) throws MalformedException {
        if (!genesis.membershipKey().filter(record.signer()::equals).isPresent()) {
            throw new MalformedException("it is not signed by the membership key of network " + genesis.name());
        }
    }

    static PeerId peer(byte[] multihash) throws MalformedException {
        try {
            return PeerId.fromBytes(multihash);
        } catch (PpiofsException e) {
            throw new MalformedException("it names no peer");
        }
    }

    public PeerId peer() {
        return peer;
    }

    public Role role() {
        return role;
    }

    /** Unique among the certificates of the network; what a {@link RevocationList} names. */
    public long serial() {
        return serial;
    }

    /** When it was issued by the issuer's clock, milliseconds since 1970. */
    public long issuedMillis() {
        return issuedMillis;
    }

    /** Counted from issuing; empty: for ever. */
    public Optional<Duration> lifetime() {
        return Optional.ofNullable(lifetime);
    }

    /** Whether it is in force at this time, give or take {@link #CLOCK_SKEW}. */
    public boolean inForceAt(long wallMillis) {
        long skew = CLOCK_SKEW.toMillis();
        boolean begun = wallMillis >= issuedMillis - skew;
        return begun && (lifetime == null || wallMillis < issuedMillis + lifetime.toMillis() + skew);
    }

    /** A copy of the record's bytes. */
    public byte[] encode() {
        return envelope.clone();
    }

    @Override
    public String toString() {
        return "certificate " + serial + " of " + peer;
    }
}
