package io.ppiofs.node;

import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.CoreOptions;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.HeadCheckpoints;
import io.ppiofs.fs.core.TreeFileSystem;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HybridLogicalClock;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.fs.volume.VolumeSecrets;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.swarm.SwarmService;
import io.ppiofs.node.swarm.SwarmVolume;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** A volume that this home only reads, and whose heads it follows while it is open. Thread-safe. */
final class FollowedVolume implements OpenVolume {
    private final UnlockedVolume volume;
    private final TreeFileSystem fs;
    private final SwarmVolume swarm;

    private FollowedVolume(UnlockedVolume volume, TreeFileSystem fs, SwarmVolume swarm) {
        this.volume = volume;
        this.fs = fs;
        this.swarm = swarm;
    }

    /** @param swarm closed with this volume, also if it cannot be opened */
    static FollowedVolume open(
            UnlockedVolume volume,
            SwarmService service,
            SwarmVolume swarm,
            NodeConfig config,
            Map<String, Supplier<byte[]>> virtualFiles) {
        try {
            SealedBlocks blocks = new SealedBlocks(
                    swarm.store(),
                    volume.keys(),
                    EmbeddedVolume.sealing(volume.config().parameters(), config));
            Map<FileName, Supplier<byte[]>> files = new LinkedHashMap<>();
            virtualFiles.forEach((name, content) -> files.put(FileName.of(name), content));
            Head head = volume.heads().read();
            TreeFileSystem fs = TreeFileSystem.open(
                    volume.config().name(),
                    blocks,
                    new SipHash(volume.keys().nameKey()),
                    new SipHash(volume.keys().levelKey()),
                    head.state().treeRoot(),
                    HeadCheckpoints.files(head.state()),
                    files,
                    CoreOptions.defaults().withOwner(EmbeddedVolume.account()));
            service.follow(
                    swarm, volume, next -> fs.advance(next.state().treeRoot(), HeadCheckpoints.files(next.state())));
            return new FollowedVolume(volume, fs, swarm);
        } catch (RuntimeException e) {
            swarm.close();
            throw e;
        }
    }

    @Override
    public FileSystemCore core() {
        return fs;
    }

    @Override
    public byte[] secrets() {
        return VolumeSecrets.handedOver(volume);
    }

    @Override
    public VolumeFacts facts() {
        Map<String, Long> more = new LinkedHashMap<>(swarm.facts());
        Head head = volume.heads().read();
        return new VolumeFacts(
                fs.files(), 0, 0, 0, HybridLogicalClock.instantOf(head.state().clock()), swarm.trouble(), more);
    }

    @Override
    public FsckReport fsck(Progress progress) {
        throw new PpiofsException(
                ErrorKind.NOT_SUPPORTED,
                "fsck",
                "volume " + volume.config().name(),
                "is only read here; run it where it is written");
    }

    @Override
    public void publish(Progress progress) {
        throw new PpiofsException(
                ErrorKind.READ_ONLY, "sync", "volume " + volume.config().name(), "is only read here");
    }

    @Override
    public void syncToSwarm() {
        throw new PpiofsException(
                ErrorKind.INVALID,
                "mount",
                "-o sync=swarm",
                "volume " + volume.config().name() + " is only read here, nothing is synced; leave the option out");
    }

    @Override
    public void close() {
        swarm.close();
        fs.close();
    }
}
