package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.proofs.podr2.TagKey;
import io.ppiofs.proofs.podr2.TagPublicKey;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Which blocks have the public tags of a closed group: the tags of all its units, those of parity among them, in the order of the
 * inventory, cut into blocks of {@value #TAGS} tags; and the tagger's public key. They are ordinary blocks of the volume, in other groups than the one
 * that they are of, so whoever loses a slot of it has not lost its tags. Immutable.
 *
 * <p>Plain form: deterministic CBOR map {1: version 1, 2: subject, 3: [digest of the key's block, its length], 4: [[digest, length] …]}. It is
 * sealed and named as a page of the manifest is.
 *
 * @param subject what the owner signed
 */
public record TagIndex(TagSubject subject, Inventory.Entry key, List<Inventory.Entry> blocks) {
    /** Tags in each block but the last: a MiB, nearly. */
    static final int TAGS = 21_840;

    /** Most blocks: a gigabyte and a half of units of one group. */
    static final int MAX_BLOCKS = 512;

    /** Most bytes of the plain form. */
    public static final int MAX_LENGTH = 64 << 10;

    private static final int VERSION = 1;

    public TagIndex {
        blocks = List.copyOf(blocks);
        if (blocks.isEmpty() || blocks.size() > MAX_BLOCKS || key.length() != TagPublicKey.BYTES) {
            throw new IllegalArgumentException("no tags: " + blocks.size() + " blocks");
        }
        for (int i = 0; i < blocks.size(); i++) {
            int length = blocks.get(i).length();
            boolean last = i == blocks.size() - 1;
            if (length % TagKey.TAG_BYTES != 0
                    || length == 0
                    || length > TAGS * TagKey.TAG_BYTES
                    || !last && length != TAGS * TagKey.TAG_BYTES) {
                throw new IllegalArgumentException("block " + i + " has " + length + " bytes");
            }
        }
    }

    /** Of how many units there are tags. */
    long units() {
        return blocks.stream().mapToLong(Inventory.Entry::length).sum() / TagKey.TAG_BYTES;
    }

    /** All blocks that it names. */
    public Set<Cid> cids() {
        Set<Cid> cids = new LinkedHashSet<>(Set.of(key.cid()));
        blocks.forEach(block -> cids.add(block.cid()));
        return cids;
    }

    public byte[] encode() {
        List<Cbor> named = new ArrayList<>(blocks.size());
        blocks.forEach(block -> named.add(entry(block)));
        return CborEncoder.encode(CborMap.builder()
                .put(1, VERSION)
                .put(2, subject.envelope())
                .put(3, entry(key))
                .put(4, new CborArray(named))
                .build());
    }

    private static CborArray entry(Inventory.Entry entry) {
        return new CborArray(List.of(CborBytes.of(entry.cid().digest()), new CborInt(entry.length())));
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static TagIndex decode(byte[] bytes, NetworkId network) {
        try {
            if (bytes.length > MAX_LENGTH) {
                throw new MalformedException("it has " + bytes.length + " bytes");
            }
            CborMap fields = CborDecoder.decodeMap(bytes);
            fields.version("index of tags", VERSION, VERSION);
            fields.requireFields(4);
            List<Inventory.Entry> blocks = new ArrayList<>();
            for (Cbor item : fields.array(4, MAX_BLOCKS).items()) {
                blocks.add(entry(item));
            }
            return new TagIndex(
                    TagSubject.open(fields.bytes(2, 1, Envelope.MAX_ENCODED), network), entry(fields.get(3)), blocks);
        } catch (MalformedException | IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "index of tags", String.valueOf(e.getMessage()), e);
        }
    }

    private static Inventory.Entry entry(Cbor item) throws MalformedException {
        if (item instanceof CborArray array
                && array.items().size() == 2
                && array.items().get(0) instanceof CborBytes cid
                && cid.length() == Cid.DIGEST_LENGTH
                && array.items().get(1) instanceof CborInt length
                && length.value() > 0
                && length.value() <= TAGS * TagKey.TAG_BYTES) {
            return new Inventory.Entry(Cid.ofDigest(cid.value()), (int) length.value());
        }
        throw new MalformedException("a block of it is none");
    }
}
