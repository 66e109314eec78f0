package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.swarm.Verifications;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All that a node needs of the other rooms, behind one interface, so that the life of a node (requests, mounts, ends)
 * is tested without disks and kernels. {@link EmbeddedServices} is the real one. Thread-safe. Every failure is a {@link
 * PpiofsException}.
 */
public interface NodeServices extends AutoCloseable {
    /** Tells how to reach volumes that the node has open; called once, before anything else. */
    void attach(VolumeAccess access);

    /** Begins, in the background, what a mount will need: opening the store, loading native libraries. */
    void warmUp();

    List<VolumeSummary> volumes();

    /**
     * By name or id; null if there is none.
     *
     * @throws PpiofsException CORRUPT if a damaged volume could be the one
     */
    @Nullable
    VolumeSummary find(String nameOrId);

    /** @throws PpiofsException NOT_FOUND */
    default VolumeSummary volume(String nameOrId) {
        VolumeSummary found = find(nameOrId);
        if (found == null) {
            throw unknown(nameOrId);
        }
        return found;
    }

    static PpiofsException unknown(String nameOrId) {
        return new PpiofsException(
                ErrorKind.NOT_FOUND,
                "volume",
                nameOrId,
                "does not exist; 'ppiofs volume list' shows what does, 'ppiofs volume create' makes one");
    }

    /** @throws PpiofsException EXISTS, INVALID for a name that cannot be one */
    VolumeSummary createVolume(NewVolume order);

    /**
     * Makes a volume of the node's network known to this home, from its capability; one that is known already is answered.
     *
     * @param capability {@code ppiofs:ro:…} or {@code ppiofs:rw:…}
     * @param protection how its secrets are kept here
     * @throws PpiofsException INVALID; NOT_CONNECTED if the node is in no network; NOT_FOUND if no peer keeps a head of it
     */
    VolumeSummary importVolume(String capability, Unlock protection);

    /**
     * The capability of a volume as text, to be handed on: a secret.
     *
     * @param right {@code ro}, {@code rw} or {@code verify}
     * @throws PpiofsException WRONG_KEY, NOT_PERMITTED if this home has not that right
     */
    String share(String name, Unlock unlock, String right);

    /**
     * Lets a peer prolong what the volume has leased, and do nothing else, as text for {@code ppiofs custody add}.
     *
     * @throws PpiofsException WRONG_KEY, NOT_PERMITTED if this home cannot write the volume, NOT_CONNECTED in no network
     */
    String custodian(String name, Unlock unlock, PeerId peer, Duration lasts);

    /** What this node audits for others; null as long as it is in no network. */
    default @Nullable Verifications verifications() {
        return null;
    }

    /**
     * From now on, the volume's blocks belong on peers of the node's network, kept like this. An open volume that is on peers
     * already is changed in the background; one that was not yet goes there when it is opened next.
     *
     * @param scheme {@code 3} or {@code 4+2}; null: as before
     * @param seal name of the parameters with which holders shall seal closed groups; {@code off}: they shall not; null: as before
     * @return whether it has begun
     * @throws PpiofsException NOT_CONNECTED if the node is in no network; NOT_PERMITTED for who is not the owner
     */
    boolean place(String name, Unlock unlock, @Nullable String scheme, @Nullable String seal);

    /**
     * Unlocks the volume and opens its filesystem; the node keeps one open instance per volume.
     *
     * @param virtualFiles name in the root directory → content, for example {@code .stats}
     * @throws PpiofsException NOT_FOUND, WRONG_KEY
     */
    OpenVolume open(String name, Unlock unlock, Map<String, Supplier<byte[]>> virtualFiles);

    /**
     * Opens a volume for users who had it open through another process. Its core keeps what they may still use until {@link
     * io.ppiofs.fs.core.FileSystemCore#resumed}.
     *
     * @param secrets {@link OpenVolume#secrets} of the other process
     */
    default OpenVolume resume(String name, byte[] secrets, Map<String, Supplier<byte[]>> virtualFiles) {
        throw new PpiofsException(ErrorKind.NOT_SUPPORTED, "take over", "volume " + name, "cannot be");
    }

    /** Loads what mounts need and does not touch the home: for who will soon go on for another process. */
    default void prepare() {
        // nothing to load
    }

    /**
     * Deletes blocks that no volume of the home reaches. Opens every volume for it.
     *
     * @throws PpiofsException WRONG_KEY if a volume is locked: nothing is deleted then
     */
    GcReport gc(Progress progress);

    /**
     * Hashes everything that is stored, needing no key.
     *
     * @param bytesPerSecond how fast at most; 0: as fast as it goes
     * @param cancelled asked now and then
     * @throws PpiofsException INTERRUPTED if cancelled
     */
    ScrubFindings scrub(long bytesPerSecond, Progress progress, BooleanSupplier cancelled);

    /** What the store holds and may hold; null as long as it has not been opened. */
    @Nullable
    StoreFacts store();

    /**
     * Joins a network; returns once the node listens.
     *
     * @throws PpiofsException INVALID for a malformed address, NOT_FOUND for an unknown network, BUSY for a taken port
     */
    NetworkService join(NetworkOrder order);

    /** The driver that new mounts use. */
    FuseDriver driver();

    @Override
    void close();
}
