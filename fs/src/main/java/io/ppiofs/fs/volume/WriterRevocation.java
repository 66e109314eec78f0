package io.ppiofs.fs.volume;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import java.util.Arrays;

/**
 * The owner's word that heads of a writer count no further than a sequence number. A sequence, not a time: a thief of
 * the writer key can backdate a clock, but the owner knows which heads were honest. Immutable; an instance has been
 * verified.
 */
public final class WriterRevocation {
    private final NetworkId network;
    private final VolumeId volume;
    private final Ed25519PublicKey writer;
    private final long lastSequence;
    private final byte[] envelope;

    private WriterRevocation(
            NetworkId network, VolumeId volume, Ed25519PublicKey writer, long lastSequence, byte[] envelope) {
        this.network = network;
        this.volume = volume;
        this.writer = writer;
        this.lastSequence = lastSequence;
        this.envelope = envelope;
    }

    static WriterRevocation issue(SigningKey owner, NetworkId network, Ed25519PublicKey writer, long lastSequence) {
        CborMap fields = CborMap.builder()
                .put(1, network.bytes())
                .put(2, VolumeId.ofOwner(owner.publicKey()).bytes())
                .put(3, writer.bytes())
                .put(4, lastSequence)
                .build();
        return decode(RecordType.REVOCATION.sign(owner, network, fields), "new revocation");
    }

    /** Verifies signature and owner; CORRUPT, UNSUPPORTED_FORMAT. */
    public static WriterRevocation decode(byte[] envelope, String subject) {
        try {
            RecordType.Opened opened = RecordType.REVOCATION.openOfOwner(envelope, subject);
            CborMap f = opened.fields();
            f.requireFields(4);
            return new WriterRevocation(
                    opened.network(),
                    opened.volume(),
                    Ed25519PublicKey.of(f.bytes(3, Ed25519PublicKey.LENGTH)),
                    f.uint(4, Long.MAX_VALUE),
                    envelope.clone());
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read writer revocation",
                    subject,
                    e.getMessage() + "; have the owner issue it again",
                    e);
        }
    }

    /** True if a head of this writer and sequence number is void. */
    public boolean forbids(WriterCertificate certificate, long sequence) {
        return certificate.network().equals(network)
                && certificate.volume().equals(volume)
                && certificate.writer().equals(writer)
                && sequence > lastSequence;
    }

    public Ed25519PublicKey writer() {
        return writer;
    }

    /** The last head of the writer that counts; 0: none does. */
    public long lastSequence() {
        return lastSequence;
    }

    /** A copy of the signed bytes. */
    public byte[] envelope() {
        return envelope.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof WriterRevocation r && Arrays.equals(envelope, r.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }
}
