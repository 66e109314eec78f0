package io.ppiofs.fs.core;

/**
 * The value under a directory entry key: what the name points to, and the dot of the change that made it.
 *
 * @param type of the inode, so that readdir needs no second lookup
 */
record DirEntry(FileName name, long ino, FileType type, long dot, int slot) {
    static final int VERSION = 1;

    byte[] encode() {
        return new RecordWriter(32 + name.bytes().length)
                .u8(VERSION)
                .u8(type.bits() >>> 12)
                .i64(ino)
                .i64(dot)
                .varint(slot)
                .bytes(name.bytes())
                .toBytes();
    }

    static DirEntry decode(byte[] bytes) {
        RecordReader r = new RecordReader(bytes, "directory entry");
        r.version(VERSION);
        FileType type = type(r);
        long ino = r.i64();
        long dot = r.i64();
        int slot = r.varint32();
        byte[] name = r.rest();
        if (name.length == 0 || name.length > FileName.MAX_LENGTH) {
            throw r.corrupt("a name has " + name.length + " bytes");
        }
        return new DirEntry(FileName.of(name), ino, type, dot, slot);
    }

    private static FileType type(RecordReader r) {
        int bits = r.u8() << 12;
        for (FileType t : FileType.values()) {
            if (t.bits() == bits) {
                return t;
            }
        }
        throw r.corrupt("no such file type");
    }
}
