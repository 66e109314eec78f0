package io.ppiofs.fs.volume;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The owner's word that a key may write heads of the volume, and the slot that stamps its inodes and dots. The owner
 * gives a slot to one key only. Immutable; an instance has been verified.
 */
public final class WriterCertificate {
    /** Slots are 20 bits. */
    public static final int MAX_SLOT = (1 << 20) - 1;

    /** Largest envelope of a certificate. */
    static final int MAX_LENGTH = 512;

    private static final long MAX_SECONDS =
            Instant.parse("9999-12-31T23:59:59Z").getEpochSecond();

    private final NetworkId network;
    private final VolumeId volume;
    private final Ed25519PublicKey writer;
    private final int slot;
    private final @Nullable Instant expires;
    private final byte[] envelope;

    private WriterCertificate(
            NetworkId network,
            VolumeId volume,
            Ed25519PublicKey writer,
            int slot,
            @Nullable Instant expires,
            byte[] envelope) {
        this.network = network;
        this.volume = volume;
        this.writer = writer;
        this.slot = slot;
        this.expires = expires;
        this.envelope = envelope;
    }

    static WriterCertificate issue(
            SigningKey owner, NetworkId network, Ed25519PublicKey writer, int slot, @Nullable Instant expires) {
        requireSlot(slot);
        Cbor end = expires == null ? CborSimple.NULL : new CborInt(expires.getEpochSecond());
        CborMap fields = CborMap.builder()
                .put(1, network.bytes())
                .put(2, VolumeId.ofOwner(owner.publicKey()).bytes())
                .put(3, writer.bytes())
                .put(4, slot)
                .put(5, end)
                .build();
        // read back what was signed: the object never differs from its bytes (the expiry loses its nanoseconds)
        return decode(RecordType.CERTIFICATE.sign(owner, network, fields), "new certificate");
    }

    /**
     * Verifies signature and owner.
     *
     * @param subject where the bytes are from, for the message
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    public static WriterCertificate decode(byte[] envelope, String subject) {
        try {
            RecordType.Opened opened = RecordType.CERTIFICATE.openOfOwner(envelope, subject);
            CborMap f = opened.fields();
            f.requireFields(5);
            Instant expires = f.get(5) == CborSimple.NULL ? null : Instant.ofEpochSecond(f.uint(5, MAX_SECONDS));
            return new WriterCertificate(
                    opened.network(),
                    opened.volume(),
                    Ed25519PublicKey.of(f.bytes(3, Ed25519PublicKey.LENGTH)),
                    (int) f.uint(4, MAX_SLOT),
                    expires,
                    envelope.clone());
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read writer certificate",
                    subject,
                    e.getMessage() + "; have the owner issue a new one",
                    e);
        }
    }

    static void requireSlot(int slot) {
        if (slot < 0 || slot > MAX_SLOT) {
            throw new IllegalArgumentException("writer slot " + slot);
        }
    }

    public NetworkId network() {
        return network;
    }

    public VolumeId volume() {
        return volume;
    }

    public Ed25519PublicKey writer() {
        return writer;
    }

    /** 0 … {@link #MAX_SLOT}; 0 is the writer made with the volume. */
    public int slot() {
        return slot;
    }

    /** The first second in which it is void; null: it does not end. */
    public @Nullable Instant expires() {
        return expires;
    }

    public boolean isExpiredAt(Instant now) {
        return expires != null && !now.isBefore(expires);
    }

    /** A copy of the signed bytes. */
    public byte[] envelope() {
        return envelope.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof WriterCertificate c && Arrays.equals(envelope, c.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }

    @Override
    public String toString() {
        return "WriterCertificate[slot " + slot + ", writer " + writer + "]";
    }
}
