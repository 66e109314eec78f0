package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.proofs.sdr.Sha256;
import java.util.Arrays;

/**
 * What a volume's owner vouches for towards verifiers that it does not name: a signed record {1: network, 2: group, 3: digest of the
 * inventory, 4: SHA-256 of the public tag key}. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param owner who signed: the tenant under whose name the group is stored
 * @param tagKey SHA-256 of the public half of the key with which the group was tagged
 */
record TagSubject(PeerId owner, GroupId group, Cid inventory, byte[] tagKey, byte[] envelope) {
    private static final RecordType TYPE = new RecordType("audit-tags", 1);

    static TagSubject sign(AuditKeys keys, AuditedGroup group, NetworkId network) {
        byte[] tagKey = digest(keys.publicTags().toBytes());
        byte[] envelope = TYPE.seal(
                keys.tenant(),
                network,
                CborMap.builder()
                        .put(2, group.table().group().bytes())
                        .put(3, group.digest().digest())
                        .put(4, tagKey));
        return new TagSubject(keys.tenant().peerId(), group.table().group(), group.digest(), tagKey, envelope);
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    static TagSubject open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(4);
            return new TagSubject(
                    PeerId.of(record.signer()),
                    GroupId.of(record.fields().bytes(2, GroupId.LENGTH)),
                    Cid.ofDigest(record.fields().bytes(3, Cid.DIGEST_LENGTH)),
                    record.fields().bytes(4, Sha256.BYTES),
                    record.envelope());
        });
    }

    /** Whether it is of this group, as this table has it. */
    boolean isOf(AuditedGroup of) {
        return owner.equals(of.table().tenant()) && group.equals(of.table().group()) && inventory.equals(of.digest());
    }

    /** Whether this is the key that it names. */
    boolean names(byte[] key) {
        return Arrays.equals(tagKey, digest(key));
    }

    /** What names a key. */
    static byte[] digest(byte[] key) {
        return new Sha256().update(key).digest();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof TagSubject other && Arrays.equals(envelope, other.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }
}
