package io.ppiofs.fs.volume;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Everything the filesystem core needs of a volume.
 *
 * @param owner null unless this machine holds the read-write capability
 * @param writer null where this machine only reads
 * @param protection how the secrets rest on disk
 * @param journalDirectory exists, mode 0700
 */
public record UnlockedVolume(
        VolumeConfig config,
        Capability capability,
        VolumeKeys keys,
        @Nullable OwnerKey owner,
        @Nullable WriterIdentity writer,
        Protection.Kind protection,
        HeadStore heads,
        Path journalDirectory) {}
