package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.SecurityLabel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * What CREATE, MKNOD, MKDIR, SYMLINK and TMPFILE say behind their arguments (struct fuse_ext_header, since 7.38): security
 * contexts of what is made, and the directory's group if the caller is in it. Unknown extensions are passed over. Belongs
 * to its worker.
 */
final class Creation {
    private static final int SET_GID = 02000;
    private static final int RUNS_AS_GROUP = SET_GID | 010;

    private final FileSystemCore core;
    private final Request in;
    private final boolean contexts;
    private final boolean groups;

    Creation(Dispatcher.Setting setting, Request in) {
        this.core = setting.core();
        this.in = in;
        this.contexts = setting.agreed().has(Wire.SECURITY_CTX);
        this.groups = setting.agreed().has(Wire.CREATE_SUPP_GROUP);
    }

    /** @param umask not yet applied by the kernel */
    Caller caller(int umask) {
        Caller caller = in.caller(umask);
        return contexts ? new Caller(caller.uid(), caller.gid(), caller.pid(), umask & 0777, labels()) : caller;
    }

    /**
     * The mode that a new inode, no directory, gets of what was asked for: in a set-group-ID directory nobody makes a program
     * that runs as a group in which he is not (inode(7); Linux before 6.0 leaves this to the filesystem).
     */
    int mode(int asked) {
        if ((asked & RUNS_AS_GROUP) != RUNS_AS_GROUP || in.uid() == 0) {
            return asked;
        }
        Attr directory = core.getattr(new Ino(in.node()));
        IntPredicate memberOf = groups ? this::joins : in::callerIsMemberOf;
        boolean outsider = (directory.mode() & SET_GID) != 0 && !memberOf.test(directory.gid());
        return outsider ? asked & ~SET_GID : asked;
    }

    private boolean joins(int gid) {
        if (in.caller().gid() == gid) {
            return true;
        }
        for (Extension e : extensions()) {
            if (e.type() != Wire.EXT_GROUPS) {
                continue; // a kernel without a security module sends an empty one for it
            }
            int count = e.intAt(0);
            e.require(Integer.BYTES, (long) count * Integer.BYTES);
            for (int i = 0; i < count; i++) {
                if (e.intAt(Integer.BYTES * (1 + i)) == gid) {
                    return true;
                }
            }
        }
        return false;
    }

    private List<SecurityLabel> labels() {
        List<SecurityLabel> labels = new ArrayList<>(1);
        for (Extension e : extensions()) {
            if (e.type() <= Wire.EXT_MAX_SECURITY_CONTEXTS) { // their number stands where others have their type
                int at = 0;
                for (int i = 0; i < e.type(); i++) {
                    at = label(e, at, labels);
                }
            }
        }
        return labels;
    }

    /** @return where the next one begins */
    private int label(Extension e, int at, List<SecurityLabel> labels) {
        int size = e.intAt(at);
        int name = at + Wire.SECURITY_CONTEXT;
        e.require(name, 0);
        byte[] text = in.string(e.begin() + name);
        int value = name + text.length + 1;
        e.require(value, Integer.toUnsignedLong(size));
        labels.add(new SecurityLabel(FileName.of(text), in.bytes(e.begin() + value, size)));
        return Wire.padded(value + size);
    }

    /** One extension: {@code length} bytes of the request from {@code begin} on, its header not among them. */
    private record Extension(Request in, int type, int begin, int length) {
        int intAt(int at) {
            require(at, Integer.BYTES);
            return in.intAt(begin + at);
        }

        void require(int at, long bytes) {
            if (at < 0 || bytes < 0 || at + bytes > length) {
                throw malformed();
            }
        }
    }

    private static PpiofsException malformed() {
        return new PpiofsException(ErrorKind.INVALID, "fuse request", "extensions", "the kernel sent too few bytes");
    }

    private List<Extension> extensions() {
        List<Extension> all = new ArrayList<>(2);
        int end = in.length();
        int at = end - in.extensionsLength();
        if (at < Wire.IN_HEADER) {
            throw malformed();
        }
        while (at < end) {
            int size = in.intAt(at);
            if (size < Wire.EXT_HEADER || size > end - at) {
                throw malformed();
            }
            all.add(new Extension(in, in.intAt(at + Integer.BYTES), at + Wire.EXT_HEADER, size - Wire.EXT_HEADER));
            at += Wire.padded(size);
        }
        return all;
    }
}
