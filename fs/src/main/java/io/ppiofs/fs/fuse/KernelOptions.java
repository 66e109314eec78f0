package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.AccessTimes;
import io.ppiofs.fs.core.CacheLimit;
import io.ppiofs.fs.core.FileSystemCore;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns {@link MountOptions} into what libfuse, fusermount and the kernel understand, and refuses what they do not. Besides the
 * options of mount(8) it takes {@code attr_timeout=S} and {@code entry_timeout=S} (seconds the kernel may remember),
 * {@code max_background=N}, {@code max_readahead=BYTES}, {@code nonempty} and {@code writeback_cache}. Access times are
 * the core's, so {@code strictatime} and {@code nodiratime} are told to the kernel for /proc/mounts alone.
 */
public final class KernelOptions {
    private static final Set<String> PASSED = Set.of(
            "allow_other",
            "allow_root",
            "dev",
            "nodev",
            "suid",
            "nosuid",
            "exec",
            "noexec",
            "atime",
            "noatime",
            "sync",
            "async",
            "dirsync");
    /** Always so, or of no meaning here. */
    private static final Set<String> IMPLIED = Set.of("default_permissions", "defaults", "rw");

    private static final double LONG_SECONDS = 3600;

    // mount(2)
    private static final Map<String, Integer> MOUNT_FLAGS =
            Map.of("nosuid", 2, "nodev", 4, "noexec", 8, "sync", 16, "dirsync", 128, "noatime", 1024);
    private static final Map<String, String> OPPOSITES =
            Map.of("suid", "nosuid", "dev", "nodev", "exec", "noexec", "async", "sync", "atime", "noatime");
    private static final int MS_RDONLY = 1;
    private static final int MS_NODIRATIME = 2048;
    private static final int MS_STRICTATIME = 1 << 24;

    private final List<String> passed = new ArrayList<>();
    private boolean nonEmpty;
    private boolean readOnly;
    private boolean writebackCache;
    private boolean strictAtime;
    private boolean noDirAtime;
    private final int owner;
    private double attrSeconds = LONG_SECONDS;
    private double entrySeconds = LONG_SECONDS;
    private CacheLimit limit = CacheLimit.NONE;
    /** Requests in flight before the kernel holds back; its default of 12 starves parallel readers. */
    private long maxBackground = 64;

    private long maxReadahead = 1 << 20;
    private AccessRules rules = new AccessRules(AccessTimes.RELATIVE, AccessTimes.RELATIVE);

    private KernelOptions(boolean readOnly) {
        this.readOnly = readOnly;
        this.owner = NativeSystem.load().calls().getuid();
    }

    /** @throws PpiofsException INVALID that names the option */
    public static KernelOptions of(MountOptions options) {
        KernelOptions k = new KernelOptions(options.readOnly());
        for (String option : options.kernelOptions()) {
            k.take(option);
        }
        if (k.passed.contains("allow_other") && k.passed.contains("allow_root")) {
            throw invalid("allow_root", "cannot be combined with allow_other; give one of them");
        }
        k.rules = new AccessRules(k.accessTimes(), k.noDirAtime ? AccessTimes.NEVER : k.accessTimes());
        return k;
    }

    /** As {@link #of(MountOptions)}, with no more remembered than what {@code core} allows. */
    public static KernelOptions of(MountOptions options, FileSystemCore core) {
        KernelOptions k = of(options);
        k.limit = core.cacheLimit();
        return k;
    }

    private void take(String option) {
        int equals = option.indexOf('=');
        if (equals > 0) {
            takeValue(option, option.substring(0, equals), option.substring(equals + 1));
        } else if (option.equals("nonempty")) {
            nonEmpty = true;
        } else if (option.equals("ro")) {
            readOnly = true;
        } else if (option.equals("writeback_cache") || option.equals("no_writeback_cache")) {
            writebackCache = option.startsWith("w");
        } else if (option.equals("strictatime") || option.equals("relatime")) {
            strictAtime = option.startsWith("s");
        } else if (option.equals("nodiratime") || option.equals("diratime")) {
            noDirAtime = option.startsWith("n");
        } else if (PASSED.contains(option)) {
            passed.add(option);
        } else if (!IMPLIED.contains(option)) {
            throw unknown(option);
        }
    }

    private void takeValue(String option, String name, String value) {
        try {
            switch (name) {
                case "attr_timeout" -> attrSeconds = seconds(option, value);
                case "entry_timeout" -> entrySeconds = seconds(option, value);
                case "max_background" -> maxBackground = number(option, value, 1, 65535);
                case "max_readahead" -> maxReadahead = number(option, value, 0, 1 << 30);
                default -> throw unknown(option);
            }
        } catch (NumberFormatException e) {
            throw invalid(option, "needs a number behind the =");
        }
    }

    private static double seconds(String option, String value) {
        double seconds = Double.parseDouble(value);
        if (!(seconds >= 0 && seconds <= Integer.MAX_VALUE)) {
            throw invalid(option, "needs seconds from 0 to " + Integer.MAX_VALUE);
        }
        return seconds;
    }

    private static long number(String option, String value, long least, long most) {
        long n = Long.parseLong(value);
        if (n < least || n > most) {
            throw invalid(option, "needs a number from " + least + " to " + most);
        }
        return n;
    }

    private static PpiofsException unknown(String option) {
        return invalid(option, "unknown mount option; `ppiofs mount --help` lists what there is");
    }

    private static PpiofsException invalid(String option, String detail) {
        return new PpiofsException(ErrorKind.INVALID, "mount option", option, detail);
    }

    public boolean nonEmpty() {
        return nonEmpty;
    }

    public long maxReadahead() {
        return maxReadahead;
    }

    /** Requests in flight before the kernel holds back. */
    public int maxBackground() {
        return (int) maxBackground;
    }

    /** Whether the kernel may collect written pages and write them later (the kernel driver only). */
    public boolean writebackCache() {
        return writebackCache && !readOnly;
    }

    /** {@code allow_root}: the kernel lets everybody in, the driver must keep out all but root and {@link #owner}. */
    public boolean rootAndOwnerOnly() {
        return passed.contains("allow_root");
    }

    /** The user who mounts. */
    public int owner() {
        return owner;
    }

    /** MS_ flags of mount(2); without other word set-ids and devices count for nothing, as with libfuse. */
    public long mountFlags() {
        Set<String> on = new HashSet<>(Set.of("nosuid", "nodev"));
        for (String option : passed) {
            String opposite = OPPOSITES.get(option);
            if (opposite != null) {
                on.remove(opposite);
            } else {
                on.add(option);
            }
        }
        long flags = readOnly ? MS_RDONLY : 0;
        flags |= strictAtime ? MS_STRICTATIME : 0;
        flags |= noDirAtime ? MS_NODIRATIME : 0;
        for (String option : on) {
            flags |= MOUNT_FLAGS.getOrDefault(option, 0);
        }
        return flags;
    }

    private boolean letsOthersIn() {
        return passed.contains("allow_other") || passed.contains("allow_root");
    }

    /** What follows the fixed part of mount(2)'s data for type fuse, each word with a comma before it. */
    public String mountData() {
        return ",default_permissions" + (letsOthersIn() ? ",allow_other" : "");
    }

    /** For {@code fusermount3 -o}. */
    public String fusermountOptions(String source) {
        List<String> o = new ArrayList<>();
        o.add(readOnly ? "ro" : "rw");
        passed.stream().filter(MOUNT_FLAGS::containsKey).forEach(o::add);
        o.add("default_permissions");
        if (letsOthersIn()) {
            o.add("allow_other");
        }
        o.add("fsname=" + escape(source));
        o.add("subtype=ppiofs");
        return String.join(",", o);
    }

    private AccessTimes accessTimes() {
        if (readOnly || passed.contains("noatime")) {
            return AccessTimes.NEVER;
        }
        return strictAtime ? AccessTimes.ALWAYS : AccessTimes.RELATIVE;
    }

    public Caching caching() {
        return new Caching(
                Math.min(attrSeconds, limit.seconds()),
                Math.min(entrySeconds, limit.seconds()),
                limit.keepPages(),
                rules);
    }

    /** Arguments for fuse_mount and fuse_lowlevel_new, program name first. */
    List<String> arguments(String source) {
        List<String> o = new ArrayList<>(passed);
        o.add(readOnly ? "ro" : "rw");
        o.add("default_permissions");
        o.add("fsname=" + escape(source));
        o.add("subtype=ppiofs");
        if (nonEmpty) {
            o.add("nonempty");
        }
        o.add("big_writes");
        o.add("max_write=131072");
        o.add("max_read=131072");
        o.add("max_readahead=" + maxReadahead);
        o.add("max_background=" + maxBackground);
        o.add("congestion_threshold=" + Math.max(1, maxBackground * 3 / 4));
        o.add("atomic_o_trunc");
        return List.of("ppiofs", "-o", String.join(",", o));
    }

    /** libfuse splits options at commas. */
    private static String escape(String source) {
        return source.replace("\\", "\\\\").replace(",", "\\,");
    }
}
