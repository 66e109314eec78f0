package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.AccessTimes;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.FileSystemCore.XattrMode;
import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.PosixAcl;
import io.ppiofs.fs.core.RenameMode;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.core.Timestamp;
import io.ppiofs.fs.fuse.AttributeNames;
import io.ppiofs.fs.fuse.OpenHandles;
import io.ppiofs.fs.fuse.kernel.MountGroup.Change;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Requests on names, inodes and extended attributes. Belongs to its worker. */
final class InodeRequests {
    private static final int XATTR_CREATE = 1;
    private static final int XATTR_REPLACE = 2;
    private static final List<String> NAMESPACES = List.of("user.", "security.", "trusted.");

    private static final int CHANGES = Wire.FATTR_MODE
            | Wire.FATTR_UID
            | Wire.FATTR_GID
            | Wire.FATTR_SIZE
            | Wire.FATTR_ATIME
            | Wire.FATTR_MTIME
            | Wire.FATTR_CTIME;
    private static final int OWNED = Wire.FATTR_MODE | Wire.FATTR_UID | Wire.FATTR_GID;

    private static final SetAttr TOUCHED = new SetAttr(null, null, null, null, null, null, SetAttr.NOW);

    private final Dispatcher.Setting setting;
    private final FileSystemCore core;
    private final OpenHandles handles;
    private final Request in;
    private final Reply reply;
    private final IntPredicate memberOf;
    private final boolean extendedSetxattr;
    private final Creation creation;

    InodeRequests(Dispatcher.Setting setting, OpenHandles handles, Request in, Reply reply) {
        this.setting = setting;
        this.core = setting.core();
        this.handles = handles;
        this.in = in;
        this.reply = reply;
        this.memberOf = in::callerIsMemberOf;
        this.extendedSetxattr = setting.agreed().has(Wire.SETXATTR_EXT);
        this.creation = new Creation(setting, in);
    }

    private Ino node() {
        return new Ino(in.node());
    }

    /** Names "." and ".." come when a file handle of open_by_handle_at(2) or NFS is turned into an inode again. */
    void lookup() {
        byte[] name = in.string(Wire.IN_HEADER);
        if (name.length == 1 && name[0] == '.') {
            entry(core.reference(node()));
            return;
        }
        if (name.length == 2 && name[0] == '.' && name[1] == '.') {
            entry(core.reference(core.parent(node())));
            return;
        }
        Attr found;
        try {
            found = core.lookup(node(), FileName.of(name));
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.NOT_FOUND || !reply.remembersNames()) {
                throw e;
            }
            reply.noEntry();
            return;
        }
        entry(found);
    }

    /** A new name in the request's directory. */
    private void appeared(FileName name, Attr attr) {
        if (setting.shared()) {
            setting.tellOthers(
                    new Change.Entry(node(), name),
                    new Change.Inode(in.node(), 0, 0),
                    new Change.Inode(attr.ino().value(), -1, 0));
        }
        entry(attr);
    }

    /** @return the inode behind a name, for those who must hear that it lost one; -1 if nobody must */
    private long behind(Ino parent, FileName name) {
        if (!setting.shared()) {
            return -1;
        }
        try {
            Ino ino = core.lookup(parent, name).ino();
            core.forget(ino, 1);
            return ino.value();
        } catch (PpiofsException e) {
            return -1; // the change itself will say so
        }
    }

    private void gone(FileName name, long ino) {
        if (setting.shared()) {
            setting.tellOthers(
                    new Change.Entry(node(), name), new Change.Inode(in.node(), 0, 0), new Change.Inode(ino, -1, 0));
        }
        reply.ok();
    }

    /** An owner or mode: also under each name, where a kernel can do that without harm to what is mounted below. */
    private void owned(Attr attr, boolean content) {
        if (!setting.shared()) {
            return;
        }
        long ino = attr.ino().value();
        boolean directory = (attr.mode() & FileType.MASK) == FileType.DIRECTORY.bits();
        Stream<Change> names = !directory || setting.agreed().minor() >= Wire.EXPIRES_SINCE
                ? setting.namesOf(attr.ino())
                : Stream.empty();
        setting.tellOthers(Stream.concat(Stream.of(new Change.Inode(ino, content ? 0 : -1, 0)), names)
                .toArray(Change[]::new));
    }

    private void changed(long ino, boolean content) {
        if (setting.shared()) {
            setting.tellOthers(new Change.Inode(ino, content ? 0 : -1, 0));
        }
    }

    /** The kernel counts a lookup only with an answer that it takes. */
    private void entry(Attr attr) {
        long ino = attr.ino().value();
        handles.known(ino);
        if (!reply.entry(attr)) {
            handles.forget(ino, 1);
        }
    }

    void forget() {
        reply.none();
        handles.forget(in.node(), in.longAt(Wire.FORGET_COUNT));
    }

    void batchForget() {
        reply.none();
        int count = in.intAt(Wire.BATCH_COUNT);
        for (int i = 0; i < count; i++) {
            int at = Wire.BATCH_FIRST + i * Wire.FORGET_ONE;
            handles.forget(in.longAt(at), in.longAt(at + Wire.FORGET_ONE_COUNT));
        }
    }

    void getattr() {
        reply.attr(core.getattr(node()));
    }

    void statx() {
        reply.statx(core.getattr(node()));
    }

    void setattr() {
        int valid = in.intAt(Wire.SETATTR_VALID);
        if ((valid & CHANGES) == 0) {
            changeNothing();
            return;
        }
        // At chown the flag comes for root, too, who keeps set-gid without execution: the core knows that rule.
        boolean truncates = (valid & Wire.FATTR_SIZE) != 0;
        if ((valid & Wire.FATTR_KILL_SUIDGID) != 0 && (truncates || in.uid() != 0)) {
            core.dropSetIds(in.caller(), node(), memberOf);
        }
        Attr attr = core.setattr(in.caller(), node(), change(valid));
        if ((valid & OWNED) != 0) {
            owned(attr, truncates);
        } else {
            changed(in.node(), truncates);
        }
        reply.attr(attr);
    }

    /**
     * A change of nothing is chown(2) with -1 for both, or comes before a write that takes set-ids away (the write says so
     * itself); the request is the same. For the owner and root set-ids go and the change time moves, as with any chown.
     * Linux refuses others where the mode would change, unless they write.
     */
    private void changeNothing() {
        Attr now = core.getattr(node());
        boolean root = in.uid() == 0;
        boolean directory = (now.mode() & FileType.MASK) == FileType.DIRECTORY.bits();
        if (!root && in.uid() != now.uid()) {
            boolean refused = !directory
                    && FileSystemCore.losesSetIds(now, memberOf)
                    && in.callerChangesOwner().orElseGet(() -> !writtenBySomebody());
            if (refused) {
                throw PpiofsException.expected(ErrorKind.NOT_PERMITTED, "chown", Long.toUnsignedString(in.node()));
            }
            reply.attr(now);
            return;
        }
        if (!directory) {
            core.dropSetIds(in.caller(), node(), root ? gid -> true : memberOf);
        }
        Attr attr = core.setattr(in.caller(), node(), TOUCHED);
        changed(in.node(), false);
        reply.attr(attr);
    }

    private boolean writtenBySomebody() {
        long ino = in.node();
        return handles.files().any(f -> f.ino().value() == ino && f.flags().write());
    }

    private SetAttr change(int valid) {
        return new SetAttr(
                (valid & Wire.FATTR_MODE) != 0 ? (Integer) (in.intAt(Wire.SETATTR_MODE) & 07777) : null,
                (valid & Wire.FATTR_UID) != 0 ? (Integer) in.intAt(Wire.SETATTR_UID) : null,
                (valid & Wire.FATTR_GID) != 0 ? (Integer) in.intAt(Wire.SETATTR_GID) : null,
                (valid & Wire.FATTR_SIZE) != 0 ? (Long) in.longAt(Wire.SETATTR_SIZE) : null,
                time(valid, Wire.FATTR_ATIME, Wire.FATTR_ATIME_NOW, Wire.SETATTR_ATIME, Wire.SETATTR_ATIME_NANOS),
                time(valid, Wire.FATTR_MTIME, Wire.FATTR_MTIME_NOW, Wire.SETATTR_MTIME, Wire.SETATTR_MTIME_NANOS),
                time(valid, Wire.FATTR_CTIME, 0, Wire.SETATTR_CTIME, Wire.SETATTR_CTIME_NANOS));
    }

    private @Nullable Timestamp time(int valid, int given, int now, int seconds, int nanos) {
        if ((valid & now) != 0) {
            return SetAttr.NOW;
        }
        return (valid & given) != 0 ? new Timestamp(in.longAt(seconds), in.intAt(nanos)) : null;
    }

    void readlink() {
        boolean touches = setting.options().caching().rules().files() != AccessTimes.NEVER;
        reply.bytes(touches ? core.readlink(node()) : core.readlinkNoAtime(node()));
    }

    void symlink() {
        FileName name = in.name(Wire.IN_HEADER);
        byte[] target = in.string(in.end(Wire.IN_HEADER) + 1);
        appeared(name, core.symlink(creation.caller(0), node(), name, target));
    }

    void mknod() {
        Caller caller = creation.caller(in.intAt(Wire.MKNOD_UMASK));
        FileName name = in.name(Wire.MKNOD_NAME);
        int mode = creation.mode(in.intAt(Wire.MKNOD_MODE));
        appeared(name, core.mknod(caller, node(), name, mode, in.intAt(Wire.MKNOD_RDEV)));
    }

    void mkdir() {
        Caller caller = creation.caller(in.intAt(Wire.MKDIR_UMASK));
        FileName name = in.name(Wire.MKDIR_NAME);
        appeared(name, core.mkdir(caller, node(), name, in.intAt(Wire.MKDIR_MODE) & 07777));
    }

    void unlink() {
        FileName name = in.name(Wire.IN_HEADER);
        long ino = behind(node(), name);
        core.unlink(in.caller(), node(), name);
        gone(name, ino);
    }

    void rmdir() {
        FileName name = in.name(Wire.IN_HEADER);
        long ino = behind(node(), name);
        core.rmdir(in.caller(), node(), name);
        gone(name, ino);
    }

    void rename() {
        rename(Wire.RENAME_NAMES, RenameMode.REPLACE);
    }

    void rename2() {
        RenameMode mode = switch (in.intAt(Wire.RENAME2_FLAGS)) {
            case 0 -> RenameMode.REPLACE;
            case Wire.RENAME_NOREPLACE -> RenameMode.NO_REPLACE;
            case Wire.RENAME_EXCHANGE -> RenameMode.EXCHANGE;
            case Wire.RENAME_WHITEOUT -> RenameMode.WHITEOUT;
            case Wire.RENAME_NOREPLACE | Wire.RENAME_WHITEOUT -> RenameMode.NO_REPLACE_WHITEOUT;
            default -> throw PpiofsException.expected(ErrorKind.INVALID, "rename", "flags");
        };
        rename(Wire.RENAME2_NAMES, mode);
    }

    private void rename(int names, RenameMode mode) {
        Ino to = new Ino(in.longAt(Wire.RENAME_DIRECTORY));
        FileName oldName = in.name(names);
        FileName newName = in.name(in.end(names) + 1);
        long moved = behind(node(), oldName);
        long replaced = behind(to, newName);
        core.rename(in.caller(), node(), oldName, to, newName, mode);
        if (setting.shared()) {
            setting.tellOthers(
                    new Change.Entry(node(), oldName),
                    new Change.Entry(to, newName),
                    new Change.Inode(in.node(), 0, 0),
                    new Change.Inode(to.value(), 0, 0),
                    new Change.Inode(moved, -1, 0),
                    new Change.Inode(replaced, -1, 0));
        }
        reply.ok();
    }

    void link() {
        Ino existing = new Ino(in.longAt(Wire.LINK_NODE));
        FileName name = in.name(Wire.LINK_NAME);
        appeared(name, core.link(in.caller(), existing, node(), name));
    }

    void statfs() {
        reply.statfs(core.statfs());
    }

    void syncfs() {
        core.syncfs();
        reply.ok();
    }

    // ---- extended attributes

    /** The kernel lets any name through to FUSE; of {@code system.} there are the ACLs. */
    private FileName attribute(int at) {
        FileName name = in.name(at);
        if (!PosixAcl.is(name) && NAMESPACES.stream().noneMatch(name.toString()::startsWith)) {
            throw PpiofsException.expected(ErrorKind.NOT_SUPPORTED, "xattr", "namespace");
        }
        return name;
    }

    void setxattr() {
        int at = extendedSetxattr ? Wire.SETXATTR_EXT_NAME : Wire.SETXATTR_NAME;
        FileName name = attribute(at);
        byte[] value = in.bytes(in.end(at) + 1, in.intAt(Wire.SETXATTR_SIZE));
        core.setxattr(in.caller(), node(), name, value, mode(in.intAt(Wire.SETXATTR_FLAGS)));
        boolean dropSetGid = extendedSetxattr && (in.intAt(Wire.SETXATTR_EXT_FLAGS) & Wire.SETXATTR_ACL_KILL_SGID) != 0;
        if (dropSetGid && name.equals(PosixAcl.ACCESS)) {
            core.dropSetGid(in.caller(), node());
        }
        changed(in.node(), false);
        reply.ok();
    }

    private static XattrMode mode(int flags) {
        return switch (flags) {
            case 0 -> XattrMode.SET;
            case XATTR_CREATE -> XattrMode.CREATE;
            case XATTR_REPLACE -> XattrMode.REPLACE;
            default ->
                throw PpiofsException.expected(ErrorKind.INVALID, "setxattr", "flags " + Integer.toHexString(flags));
        };
    }

    void getxattr() {
        value(core.getxattr(node(), attribute(Wire.GETXATTR_NAME)));
    }

    /** A size of 0 asks for the length only. */
    private void value(byte[] value) {
        int size = in.intAt(Wire.GETXATTR_SIZE);
        if (size == 0) {
            reply.number(value.length);
        } else if (value.length > size) {
            reply.error(ErrorKind.RANGE.errno());
        } else {
            reply.bytes(value);
        }
    }

    void listxattr() {
        value(AttributeNames.listed(core.listxattr(node()), in.uid()));
    }

    void removexattr() {
        core.removexattr(in.caller(), node(), attribute(Wire.IN_HEADER));
        changed(in.node(), false);
        reply.ok();
    }
}
