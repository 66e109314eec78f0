package io.ppiofs.fs.core;

import io.ppiofs.blockstore.Blocks;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.HybridLogicalClock;
import java.nio.file.Path;

/**
 * What the core needs of an unlocked volume.
 *
 * @param name for messages and thread names
 * @param names hashes file names into directory entry keys
 * @param levels decides tree levels
 * @param journalKey 32 bytes
 * @param clock stamps changes; observes replayed stamps
 * @param writerSlot of this writer's certificate, 0 … 2^20 − 1
 */
public record CoreVolume(
        String name,
        Blocks blocks,
        SipHash names,
        SipHash levels,
        Path journalDirectory,
        byte[] journalKey,
        CheckpointStore checkpoints,
        HybridLogicalClock clock,
        int writerSlot,
        SpaceAccount space) {}
