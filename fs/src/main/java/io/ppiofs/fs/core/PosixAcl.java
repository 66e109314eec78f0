package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * An access control list of POSIX.1e draft 17 as Linux keeps it in the attributes {@link #ACCESS} and {@link #DEFAULT}
 * (linux/posix_acl_xattr.h: version 2, then tag, permissions and id of each entry, little-endian). Immutable. The kernel
 * decides with it; here it is kept in step with the mode bits and handed on to new files.
 */
public final class PosixAcl {
    public static final FileName ACCESS = FileName.of("system.posix_acl_access");
    public static final FileName DEFAULT = FileName.of("system.posix_acl_default");

    private static final int VERSION = 2;
    private static final int HEADER = 4;
    private static final int ENTRY = 8;
    private static final int USER_OBJ = 0x01;
    private static final int USER = 0x02;
    private static final int GROUP_OBJ = 0x04;
    private static final int GROUP = 0x08;
    private static final int MASK = 0x10;
    private static final int OTHER = 0x20;

    private record Entry(int tag, int permissions, int id) {
        Entry with(int permissions) {
            return new Entry(tag, permissions, id);
        }
    }

    private final List<Entry> entries;

    private PosixAcl(List<Entry> entries) {
        this.entries = List.copyOf(entries);
    }

    /** Whether {@code name} is one of the two attributes. */
    public static boolean is(FileName name) {
        return name.equals(ACCESS) || name.equals(DEFAULT);
    }

    /** @throws PpiofsException INVALID for what is no list, NOT_SUPPORTED for another version */
    public static PosixAcl decode(byte[] value) {
        ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        if (value.length < HEADER || (value.length - HEADER) % ENTRY != 0) {
            throw invalid();
        }
        if (in.getInt() != VERSION) {
            throw PpiofsException.expected(ErrorKind.NOT_SUPPORTED, "acl", "version");
        }
        List<Entry> entries = new ArrayList<>();
        while (in.hasRemaining()) {
            entries.add(new Entry(in.getShort(), in.getShort(), in.getInt()));
        }
        PosixAcl acl = new PosixAcl(entries);
        acl.check();
        return acl;
    }

    private static PpiofsException invalid() {
        return PpiofsException.expected(ErrorKind.INVALID, "acl", "entries");
    }

    /** One owner, one group, one other in this order, named ones between, and a mask if there are named ones. */
    private void check() {
        int state = USER_OBJ;
        boolean named = false;
        boolean mask = false;
        for (Entry e : entries) {
            if ((e.permissions() & ~7) != 0) {
                throw invalid();
            }
            boolean fits = switch (e.tag()) {
                case USER_OBJ -> state == USER_OBJ;
                case USER, GROUP_OBJ -> state == USER;
                case GROUP, MASK -> state == GROUP;
                case OTHER -> state == GROUP || state == OTHER;
                default -> false;
            };
            if (!fits) {
                throw invalid();
            }
            named |= e.tag() == USER || e.tag() == GROUP;
            mask |= e.tag() == MASK;
            state = switch (e.tag()) {
                case USER_OBJ -> USER;
                case GROUP_OBJ -> GROUP;
                case MASK -> OTHER;
                case OTHER -> 0;
                default -> state;
            };
        }
        if (state != 0 || named && !mask) {
            throw invalid();
        }
    }

    public byte[] encode() {
        ByteBuffer out = ByteBuffer.allocate(HEADER + entries.size() * ENTRY).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(VERSION);
        for (Entry e : entries) {
            out.putShort((short) e.tag()).putShort((short) e.permissions()).putInt(e.id());
        }
        return out.array();
    }

    /** Whether it says no more than the nine permission bits can. */
    public boolean minimal() {
        return entries.size() == 3;
    }

    private boolean hasMask() {
        return entries.stream().anyMatch(e -> e.tag() == MASK);
    }

    /** The nine permission bits: owner, mask (or the group's where there is none), other. */
    public int permissions() {
        int group = hasMask() ? MASK : GROUP_OBJ;
        int bits = 0;
        for (Entry e : entries) {
            if (e.tag() == USER_OBJ) {
                bits |= e.permissions() << 6;
            } else if (e.tag() == group) {
                bits |= e.permissions() << 3;
            } else if (e.tag() == OTHER) {
                bits |= e.permissions();
            }
        }
        return bits;
    }

    /** What chmod(2) makes of it. */
    public PosixAcl changedTo(int mode) {
        return mapped(mode, ~0);
    }

    /** What a file made with {@code mode} gets of its directory's default list: each class no more than it asks for. */
    public PosixAcl inheritedBy(int mode) {
        return mapped(~0, mode);
    }

    /** Sets the three classes to {@code set} (unless it is all ones), then takes away what {@code limit} has not. */
    private PosixAcl mapped(int set, int limit) {
        int group = hasMask() ? MASK : GROUP_OBJ;
        List<Entry> changed = new ArrayList<>(entries.size());
        for (Entry e : entries) {
            int shift = e.tag() == USER_OBJ ? 6 : e.tag() == group ? 3 : e.tag() == OTHER ? 0 : -1;
            if (shift < 0) {
                changed.add(e);
            } else {
                int wanted = set == ~0 ? e.permissions() : set >>> shift & 7;
                changed.add(e.with(wanted & limit >>> shift & 7));
            }
        }
        return new PosixAcl(changed);
    }
}
