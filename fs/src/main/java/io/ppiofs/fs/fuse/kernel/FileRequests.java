package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.FileSystemCore.AllocateMode;
import io.ppiofs.fs.core.FileSystemCore.Created;
import io.ppiofs.fs.core.FileSystemCore.Seek;
import io.ppiofs.fs.core.FileSystemCore.WriteMode;
import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.InodeFlags;
import io.ppiofs.fs.core.OpenDirectory;
import io.ppiofs.fs.core.OpenFile;
import io.ppiofs.fs.core.OpenFlags;
import io.ppiofs.fs.fuse.Caching;
import io.ppiofs.fs.fuse.OpenHandles;
import java.nio.ByteBuffer;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/** Requests on open files and directories. Belongs to its worker. */
final class FileRequests {
    private static final int ENOSYS = 38;
    private static final int ENOTTY = 25;

    private static final int O_APPEND = 02000;
    private static final int O_DIRECT = System.getProperty("os.arch").equals("aarch64") ? 0200000 : 040000;
    private static final int FALLOC_KEEP_SIZE = 1;
    private static final int FALLOC_PUNCH_HOLE = 2;
    private static final int FALLOC_ZERO_RANGE = 0x10;

    private final Dispatcher.Setting setting;
    private final FileSystemCore core;
    private final OpenHandles handles;
    private final Notifier notifier;
    private final Request in;
    private final Reply reply;
    private final IntPredicate memberOf;
    private final Caching caching;
    private final Creation creation;
    private final boolean writeback;
    private final boolean observesFlush;

    FileRequests(Dispatcher.Setting setting, OpenHandles handles, Notifier notifier, Request in, Reply reply) {
        this.setting = setting;
        this.core = setting.core();
        this.handles = handles;
        this.notifier = notifier;
        this.in = in;
        this.reply = reply;
        this.memberOf = in::callerIsMemberOf;
        this.caching = setting.options().caching();
        this.creation = new Creation(setting, in);
        this.writeback = setting.agreed().has(Wire.WRITEBACK_CACHE);
        this.observesFlush = core.observesFlush();
    }

    private Ino node() {
        return new Ino(in.node());
    }

    private OpenFile file() {
        return handles.files().get(in.longAt(Wire.HANDLE));
    }

    private OpenDirectory directory() {
        return handles.directories().get(in.longAt(Wire.HANDLE));
    }

    // ---- files

    void open() {
        int linux = in.intAt(Wire.OPEN_IN_FLAGS);
        OpenFlags flags = caching.flags(linux);
        Ino ino = node();
        InodeFlags.refuseOpen(core, ino, linux);
        boolean kills = (in.intAt(Wire.OPEN_IN_OPEN_FLAGS) & Wire.OPEN_KILL_SUIDGID) != 0 && flags.truncate();
        if (kills && core.dropSetIds(in.caller(), ino, memberOf)) {
            lostSetIds(ino);
        }
        int openFlags = cacheFlags(ino, flags);
        long handle = handles.files().add(core.open(in.caller(), ino, flags));
        if (flags.truncate()) {
            contentChanged(ino, 0, 0);
        }
        if (!reply.opened(handle, openFlags)) {
            core.release(handles.files().remove(handle));
        }
    }

    /**
     * The kernel of this mount is not told of the mode by the answer, either. Whether a file may be linked by who does not
     * own it is judged by what a kernel remembers (fs.protected_hardlinks), so its names are looked up again.
     */
    private void lostSetIds(Ino ino) {
        MountGroup.Change[] changes = Stream.concat(
                        Stream.of(new MountGroup.Change.Inode(ino.value(), -1, 0)), setting.namesOf(ino))
                .toArray(MountGroup.Change[]::new);
        if (setting.agreed().minor() >= Wire.EXPIRES_SINCE) {
            setting.tellAll(changes);
        } else {
            // a name that is taken out would show the open file as deleted
            notifier.attributesChanged(ino.value());
            setting.tellOthers(changes);
        }
    }

    /** @param length 0: up to the end */
    private void contentChanged(Ino ino, long offset, long length) {
        if (setting.shared()) {
            setting.tellOthers(new MountGroup.Change.Inode(ino.value(), offset, length));
        }
    }

    private int cacheFlags(Ino ino, OpenFlags flags) {
        if (!Reply.lasting(ino)) {
            return Wire.FOPEN_DIRECT_IO;
        }
        return caching.keepsPages(core, ino, flags) ? Wire.FOPEN_KEEP_CACHE : 0;
    }

    void create() {
        OpenFlags flags = caching.flags(in.intAt(Wire.CREATE_FLAGS));
        Caller caller = creation.caller(in.intAt(Wire.CREATE_UMASK));
        int mode = FileType.REGULAR.bits() | creation.mode(in.intAt(Wire.CREATE_MODE)) & 07777;
        FileName name = in.name(Wire.CREATE_NAME);
        Created created = core.create(caller, node(), name, mode, flags);
        if (setting.shared()) {
            setting.tellOthers(new MountGroup.Change.Entry(node(), name), new MountGroup.Change.Inode(in.node(), 0, 0));
        }
        answer(created);
    }

    void tmpfile() {
        OpenFlags flags = caching.flags(in.intAt(Wire.CREATE_FLAGS));
        Caller caller = creation.caller(in.intAt(Wire.CREATE_UMASK));
        answer(core.tmpfile(caller, node(), creation.mode(in.intAt(Wire.CREATE_MODE)) & 07777, flags));
    }

    private void answer(Created c) {
        long handle = handles.files().add(c.file());
        long ino = c.attr().ino().value();
        handles.known(ino);
        if (!reply.created(c.attr(), handle, Wire.FOPEN_KEEP_CACHE)) {
            core.release(handles.files().remove(handle));
            handles.forget(ino, 1);
        }
    }

    void read() {
        OpenFile file = file();
        ByteBuffer to = reply.payload(in.intAt(Wire.READ_SIZE));
        reply.send(core.read(file, in.longAt(Wire.READ_OFFSET), to));
    }

    void write() {
        OpenFile file = file();
        int size = in.intAt(Wire.WRITE_SIZE);
        int flags = in.intAt(Wire.WRITE_FLAGS);
        long offset = in.longAt(Wire.WRITE_OFFSET);
        boolean fromMapping = (flags & Wire.WRITE_CACHE) != 0 && !writeback;
        // the flag comes with every write of who is not root
        boolean dropped = (flags & Wire.WRITE_KILL_SUIDGID) != 0 && core.dropSetIds(in.caller(), file.ino(), memberOf);
        ByteBuffer data = in.data(Wire.WRITE_DATA, size);
        // the pieces of a direct write come at once, and only their offsets tell their order
        boolean appends = setting.shared()
                && (flags & Wire.WRITE_CACHE) == 0
                && (in.intAt(Wire.WRITE_OPEN_FLAGS) & (O_APPEND | O_DIRECT)) == O_APPEND;
        WriteMode mode = appends
                ? WriteMode.APPENDED
                : (flags & Wire.WRITE_CACHE) != 0 ? WriteMode.WRITTEN_BACK : WriteMode.PLACED;
        long at = core.write(file, offset, data, mode);
        contentChanged(file.ino(), at, size);
        if (dropped) {
            lostSetIds(file.ino());
        } else if (fromMapping) {
            // The kernel does not know that the times have changed.
            notifier.attributesChanged(file.ino().value());
        }
        reply.number(size);
        if (at != offset) {
            // The kernel took an end that another mount has moved; the pages that it filled are its until the answer.
            setting.tellOurselves(new MountGroup.Change.Inode(file.ino().value(), Math.min(at, offset), 0));
        }
    }

    /** Where nobody wants to know of close(2), ENOSYS spares one request per close from now on. */
    void flush() {
        if (observesFlush) {
            core.flush(file());
            reply.ok();
        } else {
            reply.error(ENOSYS);
        }
    }

    void release() {
        core.release(handles.files().remove(in.longAt(Wire.HANDLE)));
        reply.ok();
    }

    void fsync() {
        core.fsync(file(), (in.intAt(Wire.FSYNC_FLAGS) & Wire.FSYNC_DATA_ONLY) != 0);
        reply.ok();
    }

    void fallocate() {
        OpenFile file = file();
        AllocateMode mode = allocateMode(in.intAt(Wire.FALLOCATE_MODE));
        dropSetIdsOfOthers(file);
        core.fallocate(file, mode, in.longAt(Wire.FALLOCATE_OFFSET), in.longAt(Wire.FALLOCATE_LENGTH));
        contentChanged(file.ino(), 0, 0);
        reply.ok();
    }

    /** fallocate and copy_file_range carry no flag for it; who is not root has no CAP_FSETID. */
    private void dropSetIdsOfOthers(OpenFile file) {
        if (in.uid() != 0 && core.dropSetIds(in.caller(), file.ino(), memberOf)) {
            lostSetIds(file.ino());
        }
    }

    private static AllocateMode allocateMode(int mode) {
        return switch (mode) {
            case 0 -> AllocateMode.RESERVE;
            case FALLOC_KEEP_SIZE -> AllocateMode.RESERVE_KEEP_SIZE;
            case FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE -> AllocateMode.PUNCH_HOLE;
            case FALLOC_ZERO_RANGE -> AllocateMode.ZERO_RANGE;
            case FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE -> AllocateMode.ZERO_RANGE_KEEP_SIZE;
            default ->
                throw PpiofsException.expected(
                        ErrorKind.NOT_SUPPORTED, "fallocate", "mode " + Integer.toHexString(mode));
        };
    }

    /**
     * With a writeback cache the kernel asks without writing its dirty pages first, so the core would see holes where
     * there is data; ENOSYS makes the kernel treat everything up to the end as data, which is always right.
     */
    void lseek() {
        if (writeback) {
            reply.error(ENOSYS);
            return;
        }
        Seek what = switch (in.intAt(Wire.LSEEK_WHENCE)) {
            case Wire.SEEK_DATA -> Seek.DATA;
            case Wire.SEEK_HOLE -> Seek.HOLE;
            default -> throw PpiofsException.expected(ErrorKind.INVALID, "lseek", "whence");
        };
        reply.longNumber(core.seek(file(), in.longAt(Wire.LSEEK_OFFSET), what));
    }

    void copyRange(boolean wide) {
        OpenFile from = file();
        OpenFile to = handles.files().get(in.longAt(Wire.COPY_TO_HANDLE));
        if (in.longAt(Wire.COPY_FLAGS) != 0) {
            throw PpiofsException.expected(ErrorKind.INVALID, "copy_file_range", "flags");
        }
        long length = in.longAt(Wire.COPY_LENGTH);
        dropSetIdsOfOthers(to);
        long copied = core.copyRange(
                from,
                in.longAt(Wire.COPY_FROM_OFFSET),
                to,
                in.longAt(Wire.COPY_TO_OFFSET),
                wide ? length : Math.min(length, Integer.MAX_VALUE & -4096L));
        contentChanged(to.ino(), 0, 0);
        if (wide) {
            reply.longNumber(copied);
        } else {
            reply.number((int) copied);
        }
    }

    /** chattr(1) and lsattr(1), in both of their forms. */
    void ioctl() {
        int room = in.intAt(Wire.IOCTL_OUT_SIZE);
        switch (in.intAt(Wire.IOCTL_COMMAND)) {
            case Wire.FS_IOC_GETFLAGS -> tellFlags(room, Wire.FS_IMMUTABLE_FL, Wire.FS_APPEND_FL);
            case Wire.FS_IOC_FSGETXATTR -> tellFlags(room, Wire.FS_XFLAG_IMMUTABLE, Wire.FS_XFLAG_APPEND);
            case Wire.FS_IOC_SETFLAGS -> setFlags(Wire.FS_IMMUTABLE_FL, Wire.FS_APPEND_FL);
            case Wire.FS_IOC_FSSETXATTR -> setFlags(Wire.FS_XFLAG_IMMUTABLE, Wire.FS_XFLAG_APPEND);
            default -> reply.error(ENOTTY);
        }
    }

    private void tellFlags(int room, int immutable, int appendOnly) {
        if (room < Integer.BYTES || room > 4096) {
            reply.error(ENOTTY);
            return;
        }
        InodeFlags flags = core.inodeFlags(node());
        int length = zeroIoctl(room);
        int bits = (flags.immutable() ? immutable : 0) | (flags.appendOnly() ? appendOnly : 0);
        reply.payload(length).putInt(Wire.OUT_HEADER + Wire.IOCTL_OUT, bits);
        reply.send(length);
    }

    /** The flags stand first; whatever else could be set is not there, and 0 can be set. */
    private void setFlags(int immutable, int appendOnly) {
        byte[] data = in.bytes(Wire.IOCTL_DATA, in.intAt(Wire.IOCTL_IN_SIZE));
        int bits = data.length < Integer.BYTES ? -1 : in.intAt(Wire.IOCTL_DATA);
        boolean more = (bits & ~(immutable | appendOnly)) != 0;
        for (int i = Integer.BYTES; i < data.length; i++) {
            more |= data[i] != 0;
        }
        if (more) {
            throw PpiofsException.expected(ErrorKind.NOT_SUPPORTED, "ioctl", "file flags");
        }
        Ino ino = node();
        core.inodeFlags(in.caller(), ino, new InodeFlags((bits & immutable) != 0, (bits & appendOnly) != 0));
        notifier.attributesChanged(ino.value()); // the kernel does not know that the change time moved
        if (setting.shared()) {
            setting.tellOthers(new MountGroup.Change.Inode(ino.value(), -1, 0));
        }
        reply.send(zeroIoctl(0));
    }

    /**
     * An answer whose result and data are zero.
     *
     * @param room bytes of data
     * @return its length
     */
    private int zeroIoctl(int room) {
        ByteBuffer out = reply.payload(Wire.IOCTL_OUT + room);
        while (out.hasRemaining()) {
            out.put((byte) 0);
        }
        return Wire.IOCTL_OUT + room;
    }

    // ---- directories

    void opendir() {
        long handle = handles.directories().add(core.opendir(node(), caching.directory(in.intAt(Wire.OPEN_IN_FLAGS))));
        if (!reply.opened(handle, 0)) {
            core.releasedir(handles.directories().remove(handle));
        }
    }

    void readdir() {
        OpenDirectory directory = directory();
        ByteBuffer to = reply.payload(in.intAt(Wire.READ_SIZE));
        core.readdir(
                directory, in.longAt(Wire.READ_OFFSET), (n, i, type, next) -> Reply.putDirent(to, n, i, type, next));
        reply.send(to.position() - Wire.OUT_HEADER);
    }

    /** Entries with their attributes, each but "." and ".." counted as a lookup. */
    void readdirPlus() {
        OpenDirectory directory = directory();
        ByteBuffer to = reply.payload(in.intAt(Wire.READ_SIZE));
        try {
            core.readdir(directory, in.longAt(Wire.READ_OFFSET), (name, ino, type, next) -> {
                if (!Reply.fitsPlus(to, name)) {
                    return false;
                }
                putEntryPart(to, directory.ino(), name);
                return Reply.putDirent(to, name, ino, type, next);
            });
        } catch (RuntimeException e) {
            forgetSent(to, to.position() - Wire.OUT_HEADER);
            throw e;
        }
        int length = to.position() - Wire.OUT_HEADER;
        if (!reply.send(length)) {
            forgetSent(to, length);
        }
    }

    private void putEntryPart(ByteBuffer to, Ino directory, FileName name) {
        byte[] n = name.bytes();
        boolean dots = n[0] == '.' && (n.length == 1 || n.length == 2 && n[1] == '.');
        if (dots) {
            Reply.putEmptyPart(to);
            return;
        }
        Attr attr;
        try {
            attr = core.lookup(directory, name);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.NOT_FOUND) {
                throw e;
            }
            Reply.putEmptyPart(to); // removed this moment
            return;
        }
        handles.known(attr.ino().value());
        reply.putEntryPart(to, attr);
    }

    /** The kernel took no answer, so it counted no lookup. */
    private void forgetSent(ByteBuffer sent, int length) {
        int at = Wire.OUT_HEADER;
        int end = at + length;
        while (at < end) {
            long ino = sent.getLong(at + Wire.ENTRY_NODE);
            if (ino != 0) {
                handles.forget(ino, 1);
            }
            int nameLength = sent.getInt(at + Wire.ENTRY_OUT + Wire.DIRENT_NAME_LENGTH);
            at += Wire.ENTRY_OUT + Wire.padded(Wire.DIRENT_NAME + nameLength);
        }
    }

    void releasedir() {
        core.releasedir(handles.directories().remove(in.longAt(Wire.HANDLE)));
        reply.ok();
    }

    void fsyncdir() {
        core.fsyncdir(directory());
        reply.ok();
    }
}
