package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
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
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Which block of a volume is in which placement group, and each group's newest slot table: the writer's own record, and
 * what a reader has learnt from a manifest. One directory; per group {@code ID.table}, the signed table, replaced as a
 * whole, and {@code ID.blocks}, appended: per block the digest of its CID (32 bytes), its stored length (4) and a CRC-32C
 * of both (4). An entry stands there only after a holder has confirmed the block, so losing the end of the file costs
 * sending blocks again. {@code learnt} names the manifest that was learnt last. Thread-safe.
 */
final class GroupBook implements Closeable {
    private static final int ENTRY = Cid.DIGEST_LENGTH + 8;
    private static final String TABLE = ".table";
    private static final String BLOCKS = ".blocks";
    private static final String LEARNT = "learnt";
    private static final String READ = "read placement";
    private static final String WRITE = "write placement";

    private final Path directory;
    private final NetworkId network;
    private final List<Group> groups = new ArrayList<>();
    private final Map<GroupId, Group> byId = new HashMap<>();
    private final PlacementIndex index = new PlacementIndex();
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
        Group group = new Group(groups.size(), SlotTable.openVouched(envelope, network));
        groups.add(group);
        byId.put(group.id(), group);
        for (Inventory.Entry entry : entries(group)) {
            if (!entry.isEmpty()) {
                index.put(entry.cid(), group.number(), entry.length());
            }
            group.count(1, entry.length());
        }
        truncate(group);
    }

    private Path file(GroupId id, String ending) {
        return directory.resolve(id + ending);
    }

    /** What follows the last whole entry was never acknowledged. */
    private void truncate(Group group) throws IOException {
        Path file = file(group.id(), BLOCKS);
        long good = (long) group.blocks() * ENTRY;
        if (Files.exists(file) && Files.size(file) > good) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(good);
            }
        }
    }

    /** The entries of a group in write order, from its file. */
    synchronized List<Inventory.Entry> entries(Group group) {
        Path file = file(group.id(), BLOCKS);
        List<Inventory.Entry> entries = new ArrayList<>();
        byte[] bytes = DurableFile.read(file, Inventory.MAX_ENTRIES * ENTRY, READ);
        if (bytes == null) {
            return entries;
        }
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
        Group group = new Group(groups.size(), table);
        groups.add(group);
        byId.put(group.id(), group);
        return group;
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
            FileChannel channel = channel(group);
            while (out.hasRemaining()) {
                channel.write(out);
            }
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, directory, e);
        }
        long bytes = 0;
        for (Inventory.Entry entry : entries) {
            if (!entry.isEmpty()) {
                index.put(entry.cid(), group.number(), entry.length());
            }
            bytes += entry.length();
        }
        group.count(entries.size(), bytes);
    }

    private FileChannel channel(Group group) throws IOException {
        FileChannel channel = open;
        if (channel == null || openNumber != group.number()) {
            if (channel != null) {
                channel.force(false);
                channel.close();
            }
            channel = FileChannel.open(
                    file(group.id(), BLOCKS),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.APPEND);
            open = channel;
            openNumber = group.number();
        }
        return channel;
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

    boolean contains(Cid cid) {
        return index.get(cid) != PlacementIndex.NONE;
    }

    /** The group of a block, null if no peer has it as far as is known. */
    @Nullable
    Group groupOf(Cid cid) {
        int number = index.get(cid);
        return number == PlacementIndex.NONE ? null : group(number);
    }

    /** Length of the stored form of a block that is in a group. */
    int length(Cid cid) {
        return index.length(cid);
    }

    private synchronized Group group(int number) {
        return groups.get(number);
    }

    synchronized @Nullable Group find(GroupId id) {
        return byId.get(id);
    }

    synchronized List<Group> groups() {
        return List.copyOf(groups);
    }

    /** The inventory of a group as it is now. */
    Inventory inventory(Group group) {
        return new Inventory(group.table().scheme(), entries(group));
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
