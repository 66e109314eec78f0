package io.ppiofs.overlay.network;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * Which certificates of a private network are void. The list of the highest version holds; each replaces all before it.
 * Immutable.
 */
public final class RevocationList {
    /** Most serial numbers that a list names; certificates that have expired need no place in it. */
    public static final int MAX_SERIALS = 4_096;

    private static final RecordType TYPE = new RecordType("revocations", 1);
    private static final long MAX_MILLIS = 1L << 50;

    private final long version;
    private final long issuedMillis;
    private final NavigableSet<Long> serials;
    private final byte[] envelope;

    private RevocationList(long version, long issuedMillis, NavigableSet<Long> serials, byte[] envelope) {
        this.version = version;
        this.issuedMillis = issuedMillis;
        this.serials = Collections.unmodifiableNavigableSet(serials);
        this.envelope = envelope;
    }

    static RevocationList issue(
            IdentityKey membershipKey, NetworkId network, long version, long issuedMillis, NavigableSet<Long> serials) {
        if (serials.size() > MAX_SERIALS) {
            throw new PpiofsException(
                    ErrorKind.RANGE,
                    "revoke",
                    "revocation list",
                    serials.size() + " certificates are more than the " + MAX_SERIALS
                            + " that a list holds; issue certificates with a lifetime");
        }
        List<Cbor> items = new ArrayList<>();
        serials.forEach(serial -> items.add(new CborInt(serial)));
        CborMap.Builder fields =
                CborMap.builder().put(2, version).put(3, issuedMillis).put(4, new CborArray(items));
        byte[] envelope = TYPE.seal(membershipKey, network, fields);
        return new RevocationList(version, issuedMillis, new TreeSet<>(serials), envelope);
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none of this network's membership key */
    public static RevocationList decode(byte[] envelope, Genesis genesis) {
        return TYPE.open(envelope.clone(), genesis.id(), record -> {
            MembershipCertificate.requireMembershipKey(record, genesis);
            CborMap fields = record.fields();
            fields.requireFields(4);
            return new RevocationList(
                    fields.uint(2, Long.MAX_VALUE),
                    fields.uint(3, MAX_MILLIS),
                    serials(fields.array(4, MAX_SERIALS)),
                    record.envelope());
        });
    }

    private static NavigableSet<Long> serials(CborArray array) throws MalformedException {
        NavigableSet<Long> serials = new TreeSet<>();
        for (Cbor item : array.items()) {
            boolean next =
                    item instanceof CborInt i && i.value() >= 0 && (serials.isEmpty() || i.value() > serials.last());
            if (!next) {
                throw new MalformedException("its serial numbers are not in order");
            }
            serials.add(((CborInt) item).value());
        }
        return serials;
    }

    public long version() {
        return version;
    }

    /** By the issuer's clock, milliseconds since 1970: no verifier's clock can be earlier and right. */
    public long issuedMillis() {
        return issuedMillis;
    }

    public NavigableSet<Long> serials() {
        return serials;
    }

    public boolean revokes(MembershipCertificate certificate) {
        return serials.contains(certificate.serial());
    }

    /** A copy of the record's bytes. */
    public byte[] encode() {
        return envelope.clone();
    }
}
