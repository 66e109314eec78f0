package io.ppiofs.fs.fuse;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A mount between two processes: what was agreed with the kernel, what the kernel holds of it, and the descriptor through
 * which it asks. Belongs to one thread at a time.
 */
public final class MountHandover implements AutoCloseable {
    private static final int MAX_TEXT = 1 << 16;
    private static final int MAX_OPTIONS = 256;
    private static final int MAX_BYTES = DescriptorSocket.MAX_PAYLOAD;

    /** File: number, inode, flags of open(2). Directory: number, inode, 1 for noatime. Known inode: number, lookups. */
    public enum Table {
        FILES(3),
        DIRECTORIES(3),
        LOOKUPS(2);

        private final int columns;

        Table(int columns) {
            this.columns = columns;
        }
    }

    /** Takes one row of a table; {@code flags} is 0 in one of two columns. */
    @FunctionalInterface
    public interface Row {
        void accept(long first, long second, long flags);
    }

    private final NativeSystem system;
    private final Path mountPoint;
    private final MountTable.Entry entry;
    private final MountOptions options;
    private final int minor;
    private final long flags;
    private final byte[][] tables;
    private int descriptor;

    private MountHandover(
            NativeSystem system,
            Path mountPoint,
            MountTable.Entry entry,
            MountOptions options,
            int minor,
            long flags,
            byte[][] tables,
            int descriptor) {
        this.system = system;
        this.mountPoint = mountPoint;
        this.entry = entry;
        this.options = options;
        this.minor = minor;
        this.flags = flags;
        this.tables = tables;
        this.descriptor = descriptor;
    }

    /** Collects the rows of one table. */
    public static final class Rows {
        private final int columns;
        private ByteBuffer bytes = ByteBuffer.allocate(1024);

        public Rows(Table table) {
            columns = table.columns;
        }

        public void add(long first, long second, long flags) {
            if (bytes.remaining() < columns * Long.BYTES) {
                bytes = ByteBuffer.allocate(bytes.capacity() * 2).put(bytes.flip());
            }
            bytes.putLong(first).putLong(second);
            if (columns > 2) {
                bytes.putLong(flags);
            }
        }

        private byte[] toBytes() {
            byte[] all = new byte[bytes.position()];
            bytes.get(0, all);
            return all;
        }
    }

    /**
     * Of a mount that is given away.
     *
     * @param minor of the protocol as agreed with the kernel
     * @param flags of INIT as agreed
     * @param descriptor this object's from now on
     */
    public static MountHandover of(
            NativeSystem system,
            Path mountPoint,
            MountTable.Entry entry,
            MountOptions options,
            int minor,
            long flags,
            List<Rows> tables,
            int descriptor) {
        byte[][] bytes = tables.stream().map(Rows::toBytes).toArray(byte[][]::new);
        return new MountHandover(system, mountPoint, entry, options, minor, flags, bytes, descriptor);
    }

    public Path mountPoint() {
        return mountPoint;
    }

    public MountTable.Entry entry() {
        return entry;
    }

    public MountOptions options() {
        return options;
    }

    public int minor() {
        return minor;
    }

    public long flags() {
        return flags;
    }

    public void forEach(Table table, Row row) {
        ByteBuffer bytes = ByteBuffer.wrap(tables[table.ordinal()]);
        while (bytes.remaining() >= table.columns * Long.BYTES) {
            row.accept(bytes.getLong(), bytes.getLong(), table.columns > 2 ? bytes.getLong() : 0);
        }
    }

    /** Still this object's; {@link DescriptorSocket#NONE} if it was taken or closed. */
    public int descriptor() {
        return descriptor;
    }

    /** The descriptor, the caller's from now on. */
    public int takeDescriptor() {
        int taken = descriptor;
        descriptor = DescriptorSocket.NONE;
        return taken;
    }

    /** Everything but the descriptor. */
    public Cbor encode() {
        List<Cbor> words = new ArrayList<>();
        options.kernelOptions().forEach(o -> words.add(new CborText(o)));
        return CborMap.builder()
                .put(1, new CborText(mountPoint.toString()))
                .put(2, entry.id())
                .put(3, new CborText(entry.device()))
                .put(4, new CborText(entry.mountPoint()))
                .put(5, new CborText(entry.type()))
                .put(6, new CborText(entry.source()))
                .put(7, new CborText(options.source()))
                .put(8, options.readOnly() ? CborSimple.TRUE : CborSimple.FALSE)
                .put(9, new CborArray(words))
                .put(10, options.threads())
                .put(11, minor)
                .put(12, flags)
                .put(13, CborBytes.of(tables[0]))
                .put(14, CborBytes.of(tables[1]))
                .put(15, CborBytes.of(tables[2]))
                .build();
    }

    /** @param descriptor the returned object's; closed if it throws */
    public static MountHandover decode(NativeSystem system, CborMap m, int descriptor) throws MalformedException {
        try {
            m.requireFields(15);
            List<String> words = new ArrayList<>();
            for (Cbor word : m.array(9, MAX_OPTIONS).items()) {
                if (!(word instanceof CborText t)) {
                    throw new MalformedException("an option is no text");
                }
                words.add(t.value());
            }
            byte[][] tables = {m.bytes(13, 0, MAX_BYTES), m.bytes(14, 0, MAX_BYTES), m.bytes(15, 0, MAX_BYTES)};
            return new MountHandover(
                    system,
                    Path.of(m.text(1, MAX_TEXT)),
                    new MountTable.Entry(
                            m.uint(2, Long.MAX_VALUE),
                            m.text(3, MAX_TEXT),
                            m.text(4, MAX_TEXT),
                            m.text(5, MAX_TEXT),
                            m.text(6, MAX_TEXT)),
                    new MountOptions(m.text(7, MAX_TEXT), m.bool(8), words, (int) m.uint(10, 256)),
                    (int) m.uint(11, Integer.MAX_VALUE),
                    m.uint(12, Long.MAX_VALUE),
                    tables,
                    descriptor);
        } catch (MalformedException | IllegalArgumentException e) {
            system.calls().close(descriptor);
            throw e instanceof MalformedException malformed
                    ? malformed
                    : new MalformedException(String.valueOf(e.getMessage()));
        }
    }

    /** Closes the descriptor if nobody has taken it; the mount lives on while another process has it. */
    @Override
    public void close() {
        if (descriptor != DescriptorSocket.NONE) {
            system.calls().close(takeDescriptor());
        }
    }
}
