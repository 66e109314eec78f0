package io.ppiofs.fs.volume;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import java.time.Instant;

/**
 * The description of a volume, signed by its owner: readable and verifiable without any secret.
 *
 * @param created to the millisecond
 */
public record VolumeConfig(VolumeId id, NetworkId network, VolumeParameters parameters, Instant created) {
    /** Largest description. */
    static final int MAX_LENGTH = 4096;

    private static final long MAX_MILLIS = (1L << 47) - 1;

    public String name() {
        return parameters.name();
    }

    public int blockSize() {
        return parameters.blockSize();
    }

    byte[] sign(OwnerKey owner) {
        CborMap fields = CborMap.builder()
                .put(1, network.bytes())
                .put(2, id.bytes())
                .put(3, new CborText(parameters.name()))
                .put(4, parameters.blockSize())
                .put(5, CborSimple.of(parameters.dedup()))
                .put(6, CborSimple.of(parameters.padding()))
                .put(7, created.toEpochMilli())
                .build();
        return RecordType.CONFIG.sign(owner.signingKey(), network, fields);
    }

    public static VolumeConfig decode(byte[] envelope, String subject) {
        try {
            RecordType.Opened opened = RecordType.CONFIG.openOfOwner(envelope, subject);
            CborMap f = opened.fields();
            f.requireFields(7);
            VolumeParameters parameters = new VolumeParameters(
                    f.text(3, VolumeParameters.MAX_NAME),
                    (int) f.uint(4, VolumeParameters.MAX_BLOCK_SIZE),
                    f.bool(5),
                    f.bool(6));
            return new VolumeConfig(
                    opened.volume(), opened.network(), parameters, Instant.ofEpochMilli(f.uint(7, MAX_MILLIS)));
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read volume description",
                    subject,
                    e.getMessage() + "; restore the file from a backup",
                    e);
        }
    }
}
