package io.ppiofs.overlay.network;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The hand that holds a private network's membership key: issues certificates, revokes them, and keeps the book of both.
 * The book must be kept ({@link #encodeBook}) after each change, before the result is given away: else a serial number
 * comes twice. Thread safe.
 */
public final class MembershipAuthority {
    private static final int FORMAT = 1;
    private static final int MAX_MEMBERS = 1 << 16;
    private static final int MAX_NAME = 80;

    private final Genesis genesis;
    private final IdentityKey key;
    private final List<Member> members = new ArrayList<>();
    private long nextSerial = 1;
    private long listVersion;

    /** A line of the book. */
    public record Member(String name, MembershipCertificate certificate, boolean revoked) {}

    private MembershipAuthority(Genesis genesis, IdentityKey key) {
        if (!genesis.membershipKey().filter(key.publicKey()::equals).isPresent()) {
            throw new PpiofsException(
                    ErrorKind.WRONG_KEY, "open network", genesis.name(), "this is not the network's membership key");
        }
        this.genesis = genesis;
        this.key = key;
    }

    /** An empty book. @throws PpiofsException WRONG_KEY if {@code key} is not the network's membership key */
    public static MembershipAuthority begin(Genesis genesis, IdentityKey key) {
        return new MembershipAuthority(genesis, key);
    }

    /** @throws PpiofsException WRONG_KEY as {@link #begin}; CORRUPT or UNSUPPORTED_FORMAT if these bytes are no book */
    public static MembershipAuthority resume(Genesis genesis, IdentityKey key, byte[] book) {
        MembershipAuthority authority = new MembershipAuthority(genesis, key);
        try {
            authority.read(CborDecoder.decodeMap(book));
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "book of members", String.valueOf(e.getMessage()));
        }
        return authority;
    }

    private void read(CborMap fields) throws MalformedException {
        if (fields.uint(1, Integer.MAX_VALUE) != FORMAT) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT, "read", "book of members", "a newer ppiofs wrote it; update ppiofs");
        }
        fields.requireFields(5);
        if (!NetworkId.of(fields.bytes(2, NetworkId.LENGTH)).equals(genesis.id())) {
            throw new MalformedException("it is of another network");
        }
        nextSerial = fields.uint(3, Long.MAX_VALUE);
        listVersion = fields.uint(4, Long.MAX_VALUE);
        for (Cbor item : fields.array(5, MAX_MEMBERS).items()) {
            if (!(item instanceof CborMap line)) {
                throw new MalformedException("it has a line that is no map");
            }
            line.requireFields(3);
            MembershipCertificate certificate =
                    MembershipCertificate.decode(line.bytes(2, 1, Envelope.MAX_ENCODED), genesis);
            members.add(new Member(line.text(1, MAX_NAME), certificate, line.bool(3)));
        }
    }

    /** The book: no secret, but who changes it makes serial numbers come twice. */
    public synchronized byte[] encodeBook() {
        List<Cbor> lines = new ArrayList<>();
        for (Member member : members) {
            lines.add(CborMap.builder()
                    .put(1, new CborText(member.name))
                    .put(2, CborBytes.of(member.certificate.encode()))
                    .put(3, CborSimple.of(member.revoked))
                    .build());
        }
        return CborEncoder.encode(CborMap.builder()
                .put(1, FORMAT)
                .put(2, genesis.id().bytes())
                .put(3, nextSerial)
                .put(4, listVersion)
                .put(5, new CborArray(lines))
                .build());
    }

    public Genesis genesis() {
        return genesis;
    }

    /** Everybody who was ever certified, oldest first. */
    public synchronized List<Member> members() {
        return List.copyOf(members);
    }

    /**
     * Certifies a peer.
     *
     * @param name for people, at most 80 characters
     * @param lifetime from now on, whole seconds; null: for ever
     * @param wallMillis the clock, milliseconds since 1970
     * @throws PpiofsException INVALID for an unfit name or lifetime; RANGE when the book is full
     */
    public synchronized MembershipCertificate issue(
            PeerId peer, String name, Role role, @Nullable Duration lifetime, long wallMillis) {
        boolean printable = name.chars().noneMatch(Character::isISOControl);
        if (name.length() > MAX_NAME || !printable) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "certify member", peer.toString(), "a name has up to 80 printable characters");
        }
        if (lifetime != null && (lifetime.toSeconds() < 1 || lifetime.toDays() > 36_500)) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "certify member", peer.toString(), "a lifetime is 1 second to 100 years");
        }
        if (members.size() >= MAX_MEMBERS) {
            throw new PpiofsException(
                    ErrorKind.RANGE, "certify member", peer.toString(), "the book is full with " + MAX_MEMBERS);
        }
        MembershipCertificate certificate =
                MembershipCertificate.issue(key, genesis.id(), peer, role, nextSerial, wallMillis, lifetime);
        nextSerial++;
        members.add(new Member(name, certificate, false));
        return certificate;
    }

    /**
     * Makes all certificates of {@code peer} void and gives the list that says so, to be published.
     *
     * @throws PpiofsException NOT_FOUND if the peer has no certificate that is not void already
     */
    public synchronized RevocationList revoke(PeerId peer, long wallMillis) {
        boolean found = false;
        for (int i = 0; i < members.size(); i++) {
            Member member = members.get(i);
            if (member.certificate.peer().equals(peer) && !member.revoked) {
                members.set(i, new Member(member.name, member.certificate, true));
                found = true;
            }
        }
        if (!found) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, "revoke member", peer.toString(), "it has no certificate in force");
        }
        listVersion++;
        return revocations(wallMillis);
    }

    /** The list that holds now. */
    public synchronized RevocationList revocations(long wallMillis) {
        NavigableSet<Long> serials = new TreeSet<>();
        for (Member member : members) {
            if (member.revoked && member.certificate.inForceAt(wallMillis)) {
                serials.add(member.certificate.serial());
            }
        }
        return RevocationList.issue(key, genesis.id(), listVersion, wallMillis, serials);
    }
}
