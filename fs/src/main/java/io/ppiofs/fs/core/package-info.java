/**
 * The POSIX core: inodes, names, files, extents, dirty data, checkpoints. It knows no FUSE type; drivers are thin
 * adapters over {@link io.ppiofs.fs.core.FileSystemCore}, which has the shape of FUSE's low-level interface: inode
 * numbers with lookup counts, open files, readdir cookies. {@code VolumeFileSystem} implements it: it turns calls into a
 * {@code Transaction} each on the {@code NamespaceMap} (memtable over Merkle tree) and into operations of {@code
 * FileContents}. {@link io.ppiofs.fs.core.CoreEngine} replays, runs the clocks and makes checkpoints; {@link
 * io.ppiofs.fs.core.GarbageCollector} marks and sweeps, {@link io.ppiofs.fs.core.Fsck} checks. Promises: {@code
 * docs/design.md}, section 3; bytes: {@code docs/formats.md}, "Namespace entries" and "Journal payloads".
 *
 * <p>A file's bytes lie in layers, top first: dirty runs ({@code DirtyMap}), pending pieces on their way into blocks
 * ({@code PendingMap}), and below {@code FileState.baseLimit} the extents of the map, or the content that stands inline
 * in it. A {@code FileState} exists while the file is open or dirty.
 *
 * <p>Lock order: {@code GarbageCollector}, {@code CoreEngine.checkpointing}, {@code FileState.flushing}, {@code
 * FileContents.refsInFlight} (read side: whoever writes a block until its ref can be found), {@code
 * VolumeFileSystem.directoryMoves}, the inodes' stripes (all of an operation at once, in Guava's order), {@code
 * FileState.lock}, {@code InodeNumbers}, {@code NamespaceMap}'s commit lock, the journal's. {@code SpaceAccount.reserve}
 * may collect garbage: call it without locks. Readers of the map take none: they see the changes of one transaction one
 * by one, in its order.
 *
 * <p>Costs, with n for bytes and k for the length of a key or name. A map lookup is two skip list searches at most, then
 * a descent of the tree: on a miss of the node cache one block read per level. A memtable entry is kept as key, value and
 * about 88 bytes.
 *
 * <ul>
 *   <li>lookup: one SipHash of the name, two map lookups, one lookup count, no lock but that of an open file; allocates entry, record
 *       and {@code Attr}.
 *   <li>create: one stripe, three map puts (record, name, parent: values of about 60, 19 + k and 60 bytes), one journal
 *       record of about 195 + k bytes, copied into the journal's buffer, no hash but the
 *       name's, no I/O; every 4096th a record that reserves numbers.
 *   <li>write of n: one copy into the run, O(log runs), a second copy when a run grows by doubling; two reservations; no
 *       I/O, no hash. A full block goes to an encoder: zstd where it pays, one SHA-256 of what is sealed for the key,
 *       AES-GCM, one SHA-256 of the stored form for the name, one append to a segment.
 *   <li>read of n: dirty and pending bytes are copied under the file's lock; for the rest one scan of the extents of the
 *       window (none if the last extent serves again), then whole frames of 32 KiB are opened, or come from the frame
 *       cache, and are copied once; no lock meanwhile.
 *   <li>fsync of little dirt (≤ 128 KiB): one write record of about 32 + n bytes per run, copied twice, and a journal
 *       commit shared with others; of more: a flush, which is one block per run, one extent of about 80 + 17 bytes per
 *       block, one record per file, and the commit.
 *   <li>checkpoint of m changes: one pass over the memtable, each touched leaf and its path read, encoded and sealed once;
 *       one head; two journal calls. Writers go on in a fresh memtable.
 * </ul>
 *
 * <p>{@code TreeFileSystem} shows one root of a volume to who only reads, and follows newer ones; what it shares with the
 * writing core is in {@code Records}. Costs: a call reads the tree nodes that are not cached, a new root one node.
 *
 * <p>Start reading at {@code VolumeFileSystem.make}, then {@code NamespaceMap.commit}, {@code FileContents.flushLocked}
 * and {@code CoreEngine.checkpoint}.
 */
@NullMarked
package io.ppiofs.fs.core;

import org.jspecify.annotations.NullMarked;
