package io.ppiofs.fs.volume;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import org.jspecify.annotations.Nullable;

/**
 * What one machine keeps secret of a volume. No method prints it.
 *
 * @param capability read-write (the owner) or read-only
 * @param epoch under which new blocks are sealed; of a read-only capability its own
 * @param writer this machine's writer; null: it only reads. A read-only capability with a writer is a delegated writer.
 */
public record VolumeSecrets(
        Capability capability, int epoch, @Nullable WriterIdentity writer) {
    public VolumeSecrets {
        if (capability instanceof Capability.Verify
                || epoch < 0
                || epoch >= Capability.MAX_EPOCHS
                || (capability instanceof Capability.ReadOnly ro && ro.epoch() != epoch)
                || (writer != null && !writer.certificate().volume().equals(capability.volumeId()))) {
            throw new IllegalArgumentException("secrets that do not belong together");
        }
    }

    public VolumeKeys keys() {
        WriterKey key = writer == null ? null : writer.key();
        return capability instanceof Capability.ReadWrite rw
                ? VolumeKeys.of(rw, epoch, key)
                : VolumeKeys.of((Capability.ReadOnly) capability, key);
    }

    /** The owner's key, null where only a read-only capability is held. */
    public @Nullable OwnerKey owner() {
        return capability instanceof Capability.ReadWrite rw ? rw.owner() : null;
    }

    VolumeSecrets withEpoch(int newEpoch) {
        return new VolumeSecrets(capability, newEpoch, writer);
    }

    /** What opens {@code volume} in another process of this machine: a secret, for {@link VolumeDirectory#unlock(byte[])}. */
    public static byte[] handedOver(UnlockedVolume volume) {
        int epoch = volume.capability() instanceof Capability.ReadOnly ro
                ? ro.epoch()
                : volume.keys().currentEpoch();
        return new VolumeSecrets(volume.capability(), epoch, volume.writer()).encode();
    }

    byte[] encode() {
        Cbor seed = writer == null
                ? CborSimple.NULL
                : CborBytes.of(writer.key().seed().bytes());
        Cbor certificate = writer == null
                ? CborSimple.NULL
                : CborBytes.of(writer.certificate().envelope());
        return CborEncoder.encode(CborMap.builder()
                .put(1, new CborText(capability.text()))
                .put(2, epoch)
                .put(3, seed)
                .put(4, certificate)
                .build());
    }

    static VolumeSecrets decode(byte[] bytes, String subject) throws MalformedException {
        CborMap f = CborDecoder.decodeMap(bytes);
        f.requireFields(4);
        byte[] seed = f.bytesOrNull(3, Secret.LENGTH);
        WriterIdentity writer = null;
        try {
            if (seed != null) {
                writer = new WriterIdentity(
                        WriterKey.ofSeed(Secret.of(seed)),
                        WriterCertificate.decode(f.bytes(4, 1, WriterCertificate.MAX_LENGTH), subject));
            }
            int epoch = (int) f.uint(2, Capability.MAX_EPOCHS - 1);
            return new VolumeSecrets(Capability.parse(f.text(1, 256)), epoch, writer);
        } catch (IllegalArgumentException e) {
            throw new MalformedException("its fields do not belong together");
        }
    }
}
