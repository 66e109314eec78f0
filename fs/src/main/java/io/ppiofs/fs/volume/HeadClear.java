package io.ppiofs.fs.volume;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.network.NetworkId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The part of a head that everybody sees and can verify without any key.
 *
 * @param certificate of the writer that signed
 * @param sequence per writer, from 1, without gaps
 * @param parents ids of the heads this one follows: none for the first, several for a merge
 * @param manifestRoot CID of the placement manifest; null while the volume lives on one machine
 * @param epoch key epoch of the sealed part; in clear because a reader needs it to choose the key
 */
public record HeadClear(
        WriterCertificate certificate,
        long sequence,
        List<Cid> parents,
        @Nullable Cid manifestRoot,
        int epoch) {
    /** Most parents of a head. */
    public static final int MAX_PARENTS = 16;

    public HeadClear {
        parents = List.copyOf(parents);
        if (sequence < 1 || parents.size() > MAX_PARENTS || epoch < 0 || epoch >= Capability.MAX_EPOCHS) {
            throw new IllegalArgumentException(
                    "head out of range: sequence " + sequence + ", " + parents.size() + " parents, epoch " + epoch);
        }
    }

    public NetworkId network() {
        return certificate.network();
    }

    public VolumeId volume() {
        return certificate.volume();
    }

    /** Fields 1 to 7; field 8, the sealed part, is added to it. */
    CborMap.Builder toCbor() {
        List<Cbor> ids = new ArrayList<>();
        parents.forEach(p -> ids.add(CborBytes.of(p.digest())));
        Cbor manifest = manifestRoot == null ? CborSimple.NULL : CborBytes.of(manifestRoot.digest());
        return CborMap.builder()
                .put(1, network().bytes())
                .put(2, volume().bytes())
                .put(3, certificate.envelope())
                .put(4, sequence)
                .put(5, new CborArray(ids))
                .put(6, manifest)
                .put(7, epoch);
    }

    static HeadClear ofRecord(RecordType.Opened opened, String subject) throws MalformedException {
        CborMap f = opened.fields();
        f.requireFields(8);
        WriterCertificate certificate =
                WriterCertificate.decode(f.bytes(3, 1, WriterCertificate.MAX_LENGTH), "in " + subject);
        if (!certificate.writer().equals(opened.signer())
                || !certificate.volume().equals(opened.volume())
                || !certificate.network().equals(opened.network())) {
            throw new MalformedException("its writer certificate is for another writer, volume or network");
        }
        List<Cid> parents = new ArrayList<>();
        for (Cbor item : f.array(5, MAX_PARENTS).items()) {
            if (!(item instanceof CborBytes id && id.length() == Cid.DIGEST_LENGTH)) {
                throw new MalformedException("field 5 has a parent that is no head id");
            }
            parents.add(Cid.ofDigest(id.value()));
        }
        byte[] manifest = f.bytesOrNull(6, Cid.DIGEST_LENGTH);
        long sequence = f.uint(4, Long.MAX_VALUE);
        if (sequence < 1) {
            throw new MalformedException("its sequence number is 0");
        }
        int epoch = (int) f.uint(7, Capability.MAX_EPOCHS - 1);
        return new HeadClear(certificate, sequence, parents, manifest == null ? null : Cid.ofDigest(manifest), epoch);
    }
}
