package io.ppiofs.fs.volume;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The owner's word on where a volume's blocks belong: scheme and network, and how holders shall seal them. Unlike the description it can change; the
 * record of the highest revision holds. Immutable; an instance has been verified.
 */
public final class VolumePlacement {
    /** Largest envelope. */
    public static final int MAX_LENGTH = 1024;

    private static final int MAX_SEAL = 32;

    private final VolumeId volume;
    private final long revision;
    private final Scheme scheme;
    private final @Nullable NetworkId swarm;
    private final @Nullable String seal;
    private final byte[] envelope;

    private VolumePlacement(
            VolumeId volume,
            long revision,
            Scheme scheme,
            @Nullable NetworkId swarm,
            @Nullable String seal,
            byte[] envelope) {
        this.volume = volume;
        this.revision = revision;
        this.scheme = scheme;
        this.swarm = swarm;
        this.seal = seal;
        this.envelope = envelope;
    }

    /**
     * @param network of the volume's records ({@link VolumeConfig#network})
     * @param revision ≥ 1, higher than all before
     * @param swarm the network that holds the blocks; null: they stay on this machine
     */
    public static VolumePlacement sign(
            OwnerKey owner, NetworkId network, long revision, Scheme scheme, @Nullable NetworkId swarm) {
        return sign(owner, network, revision, scheme, swarm, null);
    }

    /** @param seal name of the parameters with which holders shall seal closed groups; null: they shall not. Otherwise as above */
    public static VolumePlacement sign(
            OwnerKey owner,
            NetworkId network,
            long revision,
            Scheme scheme,
            @Nullable NetworkId swarm,
            @Nullable String seal) {
        if (revision < 1) {
            throw new IllegalArgumentException("revision " + revision);
        }
        Cbor where = swarm == null ? CborSimple.NULL : CborBytes.of(swarm.bytes());
        CborMap.Builder fields = CborMap.builder()
                .put(1, network.bytes())
                .put(2, owner.volumeId().bytes())
                .put(3, revision)
                .put(4, new CborText(scheme.toString()))
                .put(5, where);
        if (seal != null) {
            fields.put(6, new CborText(seal));
        }
        RecordType type = seal == null ? RecordType.PLACEMENT : RecordType.SEALED_PLACEMENT;
        return decode(type.sign(owner.signingKey(), network, fields.build()), "new placement record");
    }

    /**
     * Verifies signature and owner.
     *
     * @param subject where the bytes are from, for the message
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    public static VolumePlacement decode(byte[] envelope, String subject) {
        try {
            boolean sealed = RecordType.SEALED_PLACEMENT.isTypeOf(envelope);
            RecordType type = sealed ? RecordType.SEALED_PLACEMENT : RecordType.PLACEMENT;
            RecordType.Opened opened = type.openOfOwner(envelope, subject);
            CborMap f = opened.fields();
            f.requireFields(sealed ? 6 : 5);
            String seal = sealed ? f.text(6, MAX_SEAL) : null;
            long revision = f.uint(3, Long.MAX_VALUE);
            String text = f.text(4, Scheme.MAX_TEXT);
            byte[] swarm = f.bytesOrNull(5, NetworkId.LENGTH);
            Scheme scheme = scheme(text);
            if (revision < 1 || !scheme.toString().equals(text) || (seal != null && !seal.matches("[a-z][a-z0-9-]*"))) {
                throw new MalformedException("its revision, scheme or sealing is impossible");
            }
            return new VolumePlacement(
                    opened.volume(),
                    revision,
                    scheme,
                    swarm == null ? null : NetworkId.of(swarm),
                    seal,
                    envelope.clone());
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read placement record",
                    subject,
                    e.getMessage() + "; set the volume's scheme again",
                    e);
        }
    }

    private static Scheme scheme(String text) throws MalformedException {
        try {
            return Scheme.parse(text);
        } catch (PpiofsException e) {
            throw new MalformedException("its scheme is impossible");
        }
    }

    public VolumeId volume() {
        return volume;
    }

    public long revision() {
        return revision;
    }

    public Scheme scheme() {
        return scheme;
    }

    /** The network that holds the blocks; null: none. */
    public @Nullable NetworkId swarm() {
        return swarm;
    }

    /** Name of the parameters with which holders shall seal closed groups; null: they shall not. */
    public @Nullable String seal() {
        return seal;
    }

    /** A copy of the signed bytes. */
    public byte[] envelope() {
        return envelope.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof VolumePlacement p && Arrays.equals(envelope, p.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }

    @Override
    public String toString() {
        return "VolumePlacement[revision " + revision + ", scheme " + scheme + ", swarm " + swarm + "]";
    }
}
