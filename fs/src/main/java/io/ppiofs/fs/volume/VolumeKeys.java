package io.ppiofs.fs.volume;

import io.ppiofs.blockstore.ContentKeys;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The symmetric keys of an unlocked volume. Per epoch, from the epoch's secret: content, head and verify key. For the
 * volume's whole life, from the secret of epoch 0 (which every reader of any epoch can compute): the SipHash keys of
 * names and tree levels. From the writer's own key: the journal key, which no other machine has.
 *
 * <p>Thread-safe. The first use of an epoch costs a walk down the chain (≤ 4095 hashes), later ones a map lookup.
 */
public final class VolumeKeys implements ContentKeys {
    /** Bytes of a SipHash key. */
    public static final int SIP_KEY_LENGTH = 16;

    private record EpochKeys(byte[] content, byte[] head, Secret verify) {
        @Override
        public String toString() {
            return "EpochKeys[hidden]";
        }
    }

    private final VolumeId volumeId;
    private final int heldEpoch;
    private final Secret heldSecret;
    private final byte[] nameKey;
    private final byte[] levelKey;
    private final byte[] seenKey;
    private final byte @Nullable [] journalKey;
    private final ConcurrentMap<Integer, EpochKeys> epochs = new ConcurrentHashMap<>();
    private volatile int currentEpoch;

    private VolumeKeys(VolumeId volumeId, int heldEpoch, Secret heldSecret, int currentEpoch, @Nullable Secret writer) {
        this.volumeId = volumeId;
        this.heldEpoch = heldEpoch;
        this.heldSecret = heldSecret;
        this.currentEpoch = currentEpoch;
        Secret current = EpochChain.walkDown(heldSecret, heldEpoch, currentEpoch);
        this.epochs.put(currentEpoch, keysOf(current));
        byte[] first = EpochChain.walkDown(current, currentEpoch, 0).bytes();
        byte[] salt = volumeId.bytes();
        this.nameKey = KeyDerivation.derive(first, salt, "ppiofs/1/names", SIP_KEY_LENGTH);
        this.levelKey = KeyDerivation.derive(first, salt, "ppiofs/1/levels", SIP_KEY_LENGTH);
        this.seenKey = KeyDerivation.derive(first, salt, "ppiofs/1/seen", Secret.LENGTH);
        this.journalKey =
                writer == null ? null : KeyDerivation.derive(writer.bytes(), salt, "ppiofs/1/journal", Secret.LENGTH);
    }

    /**
     * @param currentEpoch under which new blocks are sealed
     * @param writer the local writer key, null where this machine only reads
     */
    public static VolumeKeys of(Capability.ReadWrite rw, int currentEpoch, @Nullable WriterKey writer) {
        return new VolumeKeys(
                rw.volumeId(),
                EpochChain.MAX_EPOCHS - 1,
                VolumeRoot.lastEpoch(rw.root()),
                currentEpoch,
                writer == null ? null : writer.seed());
    }

    /** As above for a holder that reads up to the capability's epoch, and seals in it if it has a certified writer. */
    public static VolumeKeys of(Capability.ReadOnly ro, @Nullable WriterKey writer) {
        return new VolumeKeys(
                ro.volumeId(), ro.epoch(), ro.epochSecret(), ro.epoch(), writer == null ? null : writer.seed());
    }

    public VolumeId volumeId() {
        return volumeId;
    }

    @Override
    public int currentEpoch() {
        return currentEpoch;
    }

    /** Seals new blocks under {@code epoch} from now on; never goes back. WRONG_KEY if this holder has no key for it. */
    public synchronized void advanceTo(int epoch) {
        epoch(epoch);
        currentEpoch = Math.max(currentEpoch, epoch);
    }

    @Override
    public byte[] contentKey(int epoch) {
        return epoch(epoch).content();
    }

    /** Opens the sealed part of heads of that epoch; the array is shared. */
    byte[] headKey(int epoch) {
        return epoch(epoch).head();
    }

    /** Opens manifests of that epoch; what the verify capability holds. */
    public Secret verifyKey(int epoch) {
        return epoch(epoch).verify();
    }

    /**
     * Seals a manifest under the verify key of the current epoch; equal manifests of an epoch are equal bytes.
     *
     * @param plain at most 16 MiB; TOO_BIG otherwise
     */
    public byte[] sealManifest(byte[] plain) {
        int epoch = currentEpoch;
        return new ManifestSeal(volumeId, epoch, verifyKey(epoch)).seal(plain);
    }

    /**
     * Opens what {@link #sealManifest} made, in this or an earlier epoch.
     *
     * @throws PpiofsException CORRUPT; WRONG_KEY if it is of a later epoch; UNSUPPORTED_FORMAT
     */
    public byte[] openManifest(byte[] sealed) {
        int epoch = ManifestSeal.epochOf(sealed, volumeId);
        return new ManifestSeal(volumeId, epoch, verifyKey(epoch)).open(sealed);
    }

    /** SipHash key of names in directory entry keys; a copy. */
    public byte[] nameKey() {
        return nameKey.clone();
    }

    /** SipHash key of tree levels; a copy. */
    public byte[] levelKey() {
        return levelKey.clone();
    }

    /** MAC key of the local memory of heads seen; the array is shared. */
    byte[] seenKey() {
        return seenKey;
    }

    /** 32 bytes that seal the journal of this machine's writer; a copy. */
    public byte[] journalKey() {
        return Objects.requireNonNull(journalKey, "a holder without a writer key has no journal")
                .clone();
    }

    private EpochKeys epoch(int epoch) {
        EpochKeys keys = epochs.get(epoch);
        return keys != null ? keys : deriveEpoch(epoch);
    }

    private EpochKeys deriveEpoch(int epoch) {
        if (epoch < 0 || epoch > heldEpoch) {
            throw new PpiofsException(
                    ErrorKind.WRONG_KEY,
                    "open",
                    "volume " + volumeId,
                    "its keys are of epoch " + heldEpoch + " and this was sealed in epoch " + epoch
                            + "; ask the volume's owner for a new capability");
        }
        EpochKeys keys = keysOf(EpochChain.walkDown(heldSecret, heldEpoch, epoch));
        EpochKeys raced = epochs.putIfAbsent(epoch, keys);
        return raced != null ? raced : keys;
    }

    private EpochKeys keysOf(Secret epochSecret) {
        byte[] secret = epochSecret.bytes();
        byte[] salt = volumeId.bytes();
        return new EpochKeys(
                KeyDerivation.derive(secret, salt, "ppiofs/1/content", Secret.LENGTH),
                KeyDerivation.derive(secret, salt, "ppiofs/1/head", Secret.LENGTH),
                verifyKey(volumeId, epochSecret));
    }

    static Secret verifyKey(VolumeId volumeId, Secret epochSecret) {
        return Secret.of(KeyDerivation.derive(epochSecret.bytes(), volumeId.bytes(), "ppiofs/1/verify", Secret.LENGTH));
    }

    @Override
    public String toString() {
        return "VolumeKeys[" + volumeId + ", epoch " + currentEpoch + "]";
    }
}
