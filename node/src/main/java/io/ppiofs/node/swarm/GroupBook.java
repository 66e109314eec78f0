package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.Stripe;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Which block of a volume is in which placement group, and each group's newest slot table: the writer's own record, and
 * what a reader has learnt from a manifest. One directory; per group {@code ID.table}, the signed table, replaced as a
 * whole, and {@code ID.blocks}, appended: per block the digest of its CID (32 bytes), its stored length (4) and a CRC-32C
 * of both (4). An entry stands there only after a holder has confirmed the block, so losing the end of the file costs
 * sending blocks again. {@code learnt} names the manifest that was learnt last.
 *
 * <p>A group whose scheme changes is written as another group, its successor: {@code NEW.pending} names the group that it is
 * to replace; {@code OLD.replaced}, written once all slots of the successor are whole, names the successor and is the moment
 * from which blocks are read there. A group that was emptied has the same file, which then says {@code emptied}. {@code ID.metadata} stands
 * beside a group that keeps manifests, and says whether it is this machine's {@code own} or {@code learnt}; its entries are what was put there. {@code ID.tags} names the
 * inventory of a group, and the block that tells where peers have the public tags of that. Thread-safe.
 */
final class GroupBook implements Closeable {
    private static final int ENTRY = Cid.DIGEST_LENGTH + 8;
    private static final String TABLE = ".table";
    private static final String BLOCKS = ".blocks";
    private static final String PENDING = ".pending";
    private static final String REPLACED = ".replaced";
    private static final String METADATA = ".metadata";
    private static final String TAGS = ".tags";
    private static final String OWN = "own";
    private static final String LEARNT = "learnt";
    private static final String EMPTIED = "emptied";
    private static final String READ = "read placement";
    private static final String WRITE = "write placement";

    private final Path directory;
    private final NetworkId network;
    /** By number; numbers are never used again. */
    private final TreeMap<Integer, Group> groups = new TreeMap<>();

    private int nextNumber;
    private final Map<GroupId, Group> byId = new HashMap<>();
    private final PlacementIndex index = new PlacementIndex();

    /** Numbers of the groups that are {@link Group.Phase#LEAVING}. */
    private volatile Set<Integer> leaving = Set.of();

    /** Groups that have tags; counted, since the auditor asks about each group whether any has. Written under this object's lock. */
    private volatile int tagged;

    private @Nullable FileChannel open;
    private int openNumber = -1;

    private GroupBook(Path directory, NetworkId network) {
        this.directory = directory;
        this.network = network;
    }

    /** @throws PpiofsException CORRUPT if a table does not open, IO */
    static GroupBook open(Path directory, NetworkId network) {
        GroupBook book = new GroupBook(directory, network);
        try {
            Files.createDirectories(directory);
            List<Path> tables = new ArrayList<>();
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + TABLE)) {
                files.forEach(tables::add);
            }
            tables.sort(null);
            for (Path file : tables) {
                book.load(file);
            }
        } catch (IOException e) {
            throw DurableFile.failure(READ, directory, e);
        }
        return book;
    }

    private synchronized void load(Path file) throws IOException {
        byte[] envelope = DurableFile.read(file, Envelope.MAX_ENCODED, READ);
        if (envelope == null) {
            throw new IOException(file + " has gone");
        }
        SlotTable.Signed table = SlotTable.openVouched(envelope, network);
        GroupId id = table.table().group();
        Group group = add(table, phase(id));
        List<Inventory.Entry> entries = entries(group);
        count(group, entries);
        if (group.isCurrent()) {
            index(group, 0, entries);
            delete(file(group.id(), PENDING)); // a crash may have left it
        }
        truncate(group);
        byte[] tags = DurableFile.read(file(id, TAGS), 2 * Cid.DIGEST_LENGTH, READ);
        if (tags != null && tags.length == 2 * Cid.DIGEST_LENGTH) {
            ByteBuffer in = ByteBuffer.wrap(tags);
            tag(group, new Group.Tags(Cid.readDigest(in), Cid.readDigest(in)));
        }
    }

    /** Whether peers have the public tags of any group, or had them of what it was before: then somebody may want those of all. */
    boolean hasTags() {
        return tagged > 0;
    }

    /** Remembers where peers have the public tags of a group with this inventory; null for nowhere. Durable. */
    synchronized void isTagged(Group group, Group.@Nullable Tags tags) {
        if (tags == null) {
            delete(file(group.id(), TAGS));
        } else {
            ByteBuffer both = ByteBuffer.allocate(2 * Cid.DIGEST_LENGTH);
            tags.inventory().writeDigest(both);
            tags.index().writeDigest(both);
            DurableFile.replace(file(group.id(), TAGS), both.array(), WRITE);
        }
        tag(group, tags);
    }

    private synchronized void tag(Group group, Group.@Nullable Tags tags) {
        tagged += (tags == null ? 0 : 1) - (group.hasTags() ? 1 : 0);
        group.isTagged(tags);
    }

    private Group add(SlotTable.Signed table, Group.Phase phase) {
        Group group = new Group(nextNumber++, table, phase);
        groups.put(group.number(), group);
        byId.put(group.id(), group);
        return group;
    }

    private Group.Phase phase(GroupId id) {
        if (marker(id, REPLACED) != null) {
            return Group.Phase.REPLACED;
        }
        if (id.isForManifests()) {
            return Group.Phase.METADATA;
        }
        String old = marker(id, PENDING);
        boolean pending = old != null && !id.toString().equals(marker(old + REPLACED));
        return pending ? Group.Phase.PENDING : Group.Phase.CURRENT;
    }

    private @Nullable String marker(GroupId id, String ending) {
        return marker(id + ending);
    }

    private @Nullable String marker(String file) {
        byte[] text = DurableFile.read(directory.resolve(file), Cid.TEXT_LENGTH, READ);
        return text == null ? null : new String(text, StandardCharsets.US_ASCII);
    }

    private void mark(GroupId id, String ending, String what) {
        DurableFile.replace(file(id, ending), what.getBytes(StandardCharsets.US_ASCII), WRITE);
    }

    private static void count(Group group, List<Inventory.Entry> entries) {
        group.count(
                entries.size(),
                entries.stream().mapToLong(Inventory.Entry::length).sum());
    }

    /** Makes blocks findable in this group; parity is in no index, it is found by its stripe. */
    private void index(Group group, int from, List<Inventory.Entry> entries) {
        Scheme scheme = group.scheme();
        for (int i = 0; i < entries.size(); i++) {
            Inventory.Entry entry = entries.get(i);
            int place = from + i;
            boolean parity = !scheme.isCopies() && place % scheme.slots() >= scheme.data();
            if (!entry.isEmpty() && !parity) {
                index.put(entry.cid(), group.number(), place, entry.length());
            }
        }
    }

    private Path file(GroupId id, String ending) {
        return directory.resolve(id + ending);
    }

    /** What follows the last whole entry, or stripe, was never acknowledged. */
    private void truncate(Group group) throws IOException {
        Path file = file(group.id(), BLOCKS);
        long good = (long) group.blocks() * ENTRY;
        if (Files.exists(file) && Files.size(file) > good) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(good);
            }
        }
    }

    /** The entries of a group in the order of its inventory, from its file. */
    synchronized List<Inventory.Entry> entries(Group group) {
        byte[] bytes = DurableFile.read(file(group.id(), BLOCKS), Inventory.MAX_ENTRIES * ENTRY, READ);
        return bytes == null ? new ArrayList<>() : whole(group, decode(bytes));
    }

    /** A stripe of a coded group. @param number from 0 */
    synchronized Stripe stripe(Group group, int number) {
        int slots = group.scheme().slots();
        ByteBuffer part = ByteBuffer.allocate(slots * ENTRY);
        Path file = file(group.id(), BLOCKS);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long at = (long) number * slots * ENTRY;
            while (part.hasRemaining() && channel.read(part, at + part.position()) >= 0) {
                // until it is full, or the file ends
            }
        } catch (IOException e) {
            throw DurableFile.failure(READ, file, e);
        }
        List<Inventory.Entry> entries = decode(part.array());
        if (entries.size() < slots) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, READ, file.toString(), "stripe " + number + " is damaged; remove the file");
        }
        return new Stripe(group.scheme(), entries);
    }

    /** Only whole stripes count. */
    private static List<Inventory.Entry> whole(Group group, List<Inventory.Entry> entries) {
        int rest =
                group.scheme().isCopies() ? 0 : entries.size() % group.scheme().slots();
        return entries.subList(0, entries.size() - rest);
    }

    private static List<Inventory.Entry> decode(byte[] bytes) {
        List<Inventory.Entry> entries = new ArrayList<>();
        CRC32C crc = new CRC32C();
        for (int at = 0; at + ENTRY <= bytes.length; at += ENTRY) {
            crc.reset();
            crc.update(bytes, at, ENTRY - 4);
            ByteBuffer in = ByteBuffer.wrap(bytes, at, ENTRY);
            Cid cid = Cid.readDigest(in);
            int length = in.getInt();
            if (in.getInt() != (int) crc.getValue()) {
                break;
            }
            entries.add(length == 0 ? Inventory.empty() : new Inventory.Entry(cid, length));
        }
        return entries;
    }

    /** A new group with this table. */
    synchronized Group begin(SlotTable.Signed table) {
        writeTable(table);
        return add(table, Group.Phase.CURRENT);
    }

    /** A new group for manifests. */
    synchronized Group beginMetadata(SlotTable.Signed table) {
        return addMetadata(table, OWN);
    }

    private Group addMetadata(SlotTable.Signed table, String whose) {
        mark(table.table().group(), METADATA, whose);
        writeTable(table);
        return add(table, Group.Phase.METADATA);
    }

    /** Learns the group in which another machine keeps the volume's manifests. */
    synchronized void learnMetadata(SlotTable.Signed table) {
        Group known = byId.get(table.table().group());
        if (known == null) {
            addMetadata(table, "learnt");
        } else if (known.isMetadata()) {
            replace(table);
        }
    }

    /** Groups that keep manifests. */
    synchronized List<Group> metadata() {
        return groups.values().stream()
                .filter(group -> group.phase() == Group.Phase.METADATA)
                .toList();
    }

    /** Whether this machine began it to keep manifests. */
    boolean isOwnMetadata(Group group) {
        return OWN.equals(marker(group.id(), METADATA));
    }

    /** A new group that is to replace {@code old} once all its slots are whole. */
    synchronized Group beginSuccessor(SlotTable.Signed table, Group old) {
        mark(table.table().group(), PENDING, old.id().toString());
        writeTable(table);
        return add(table, Group.Phase.PENDING);
    }

    /** The group that a pending one is to replace; null if it is not there any more. */
    synchronized @Nullable Group replacedBy(Group pending) {
        String old = marker(pending.id(), PENDING);
        return groups.values().stream()
                .filter(group -> group.id().toString().equals(old))
                .findFirst()
                .orElse(null);
    }

    /** From now on blocks of {@code old} are read from its successor, which is whole. Durable when it returns. */
    synchronized void succeed(Group old, Group successor) {
        sync();
        mark(old.id(), REPLACED, successor.id().toString());
        old.become(Group.Phase.REPLACED);
        successor.become(Group.Phase.CURRENT);
        index(successor, 0, entries(successor));
        delete(file(successor.id(), PENDING));
    }

    /** From now on nothing counts as placed by this group; its blocks are read there until they are in others. Not durable. */
    synchronized void leave(Group group) {
        Set<Integer> more = new HashSet<>(leaving);
        more.add(group.number());
        leaving = Set.copyOf(more);
        group.become(Group.Phase.LEAVING);
    }

    /** The opposite of {@link #leave}. */
    synchronized void stay(Group group) {
        group.become(Group.Phase.CURRENT);
        stopLeaving(group);
    }

    private void stopLeaving(Group group) {
        Set<Integer> fewer = new HashSet<>(leaving);
        fewer.remove(group.number());
        leaving = Set.copyOf(fewer);
    }

    /** Of a group that is leaving: whether this is still the only place of a block. */
    boolean isOnlyIn(Group group, Cid cid) {
        return index.get(cid) == group.number();
    }

    /** Nothing of a group that was leaving, or kept manifests, is needed any more. Durable when it returns, with where its blocks are now. */
    synchronized void emptied(Group group) {
        sync();
        mark(group.id(), REPLACED, EMPTIED);
        group.become(Group.Phase.REPLACED);
        if (!group.isMetadata()) {
            index.removeAll(group.number());
        }
        stopLeaving(group);
    }

    /** Forgets everything. A crash leaves some of it, as if the rest had never been. */
    synchronized void clear() {
        delete(directory.resolve(LEARNT));
        groups().forEach(this::forget);
        index.clear();
    }

    /** Removes a group of which nothing is read any more. */
    synchronized void forget(Group group) {
        closeChannel(group);
        stopLeaving(group);
        groups.remove(group.number());
        byId.remove(group.id());
        tag(group, null);
        // the table last: what is left of a group without one is not read
        delete(file(group.id(), BLOCKS));
        delete(file(group.id(), TAGS));
        delete(file(group.id(), PENDING));
        delete(file(group.id(), TABLE));
        delete(file(group.id(), REPLACED));
        delete(file(group.id(), METADATA));
    }

    /** Forgets every group that is not among these, which have all blocks that there are. */
    synchronized void keepOnly(Set<GroupId> named) {
        boolean stale = false;
        for (Group group : groups()) {
            if (!named.contains(group.id())) {
                for (Inventory.Entry entry : entries(group)) {
                    stale |= !entry.isEmpty() && index.get(entry.cid()) == group.number();
                }
                forget(group);
            }
        }
        if (stale) {
            current().forEach(group -> index(group, 0, entries(group)));
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, file, e);
        }
    }

    /** Takes a table of a group that is known if it replaces the one there is. */
    synchronized boolean replace(SlotTable.Signed table) {
        Group group = byId.get(table.table().group());
        if (group == null || !table.replaces(group.signed())) {
            return false;
        }
        writeTable(table);
        group.replaceTable(table);
        return true;
    }

    private void writeTable(SlotTable.Signed table) {
        DurableFile.replace(file(table.table().group(), TABLE), table.envelope(), WRITE);
    }

    /** Remembers that holders have these blocks; durable with {@link #sync}. */
    synchronized void append(Group group, List<Inventory.Entry> entries) {
        ByteBuffer out = ByteBuffer.allocate(entries.size() * ENTRY);
        CRC32C crc = new CRC32C();
        for (Inventory.Entry entry : entries) {
            int start = out.position();
            entry.cid().writeDigest(out);
            out.putInt(entry.length());
            crc.reset();
            crc.update(out.array(), start, ENTRY - 4);
            out.putInt((int) crc.getValue());
        }
        out.flip();
        try {
            if (group.isMetadata()) {
                // what is lost of it in a crash is only sent again: no flush for that
                try (FileChannel channel = appending(group)) {
                    write(channel, out);
                }
            } else {
                write(channel(group), out);
            }
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, directory, e);
        }
        if (group.isCurrent()) {
            index(group, group.blocks(), entries);
        }
        count(group, entries);
    }

    private static void write(FileChannel channel, ByteBuffer out) throws IOException {
        while (out.hasRemaining()) {
            channel.write(out);
        }
    }

    private FileChannel appending(Group group) throws IOException {
        return FileChannel.open(
                file(group.id(), BLOCKS),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.APPEND);
    }

    private FileChannel channel(Group group) throws IOException {
        FileChannel channel = open;
        if (channel == null || openNumber != group.number()) {
            if (channel != null) {
                channel.force(false);
                channel.close();
            }
            channel = appending(group);
            open = channel;
            openNumber = group.number();
        }
        return channel;
    }

    private void closeChannel(Group group) {
        try {
            if (open != null && openNumber == group.number()) {
                open.close();
                open = null;
            }
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, directory, e);
        }
    }

    /**
     * Learns a group from a manifest: its table, and its entries if there are more of them than are known.
     *
     * @throws PpiofsException IO, NO_SPACE
     */
    synchronized void learn(SlotTable.Signed table, Inventory inventory) {
        Group group = byId.get(table.table().group());
        if (group == null) {
            group = begin(table);
        } else {
            replace(table);
        }
        List<Inventory.Entry> entries = inventory.entries();
        if (entries.size() > group.blocks()) {
            append(group, entries.subList(group.blocks(), entries.size()));
        }
    }

    /** Whether {@link #markLearnt} was called last with this manifest. */
    synchronized boolean hasLearnt(Cid manifest) {
        byte[] kept = DurableFile.read(directory.resolve(LEARNT), Cid.TEXT_LENGTH, READ);
        return kept != null && manifest.toString().equals(new String(kept, StandardCharsets.US_ASCII));
    }

    /** Everything that this manifest says is in the book. */
    synchronized void markLearnt(Cid manifest) {
        DurableFile.replace(directory.resolve(LEARNT), manifest.toString().getBytes(StandardCharsets.US_ASCII), WRITE);
    }

    synchronized void sync() {
        try {
            if (open != null) {
                open.force(false);
            }
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, directory, e);
        }
    }

    /** Whether a block is in a group in which it stays. */
    boolean contains(Cid cid) {
        Set<Integer> notThese =
                leaving; // first: a group that has been emptied meanwhile is in it, and no longer in the index
        int number = index.get(cid);
        return number != PlacementIndex.NONE && !notThese.contains(number);
    }

    /**
     * Where a block is.
     *
     * @param place of its entry in the group's inventory
     * @param length of the stored form
     */
    record Located(Group group, int place, int length) {
        /** Who should have the block itself. */
        List<PeerId> holders() {
            SlotTable table = group.table();
            return table.scheme().isCopies()
                    ? List.copyOf(group.holders())
                    : List.of(table.holders().get(place % table.scheme().slots()));
        }
    }

    /** Length of the stored form of a block that is in a group, −1 for others. */
    int length(Cid cid) {
        PlacementIndex.Found found = index.find(cid);
        return found == null ? -1 : found.length();
    }

    /** Null if no peer has the block as far as is known. */
    synchronized @Nullable Located locate(Cid cid) {
        PlacementIndex.Found found = index.find(cid);
        Group group = found == null ? null : groups.get(found.number());
        return found == null || group == null ? null : new Located(group, found.place(), found.length());
    }

    synchronized @Nullable Group find(GroupId id) {
        return byId.get(id);
    }

    /** All, in the order in which they became known. */
    synchronized List<Group> groups() {
        return List.copyOf(groups.values());
    }

    /** Those in which blocks stay. */
    synchronized List<Group> current() {
        return groups.values().stream().filter(Group::isCurrent).toList();
    }

    /** Those from which blocks are read: what a manifest is to name. */
    synchronized List<Group> read() {
        return groups.values().stream()
                .filter(group -> group.isCurrent() || group.phase() == Group.Phase.LEAVING)
                .toList();
    }

    /** The inventory of a group as it is now. */
    Inventory inventory(Group group) {
        return new Inventory(group.scheme(), entries(group));
    }

    /** Blocks that are in some group. */
    int size() {
        return index.size();
    }

    @Override
    public synchronized void close() {
        try {
            if (open != null) {
                open.force(false);
                open.close();
                open = null;
            }
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, WRITE, directory.toString(), "cannot be closed", e);
        }
    }
}
