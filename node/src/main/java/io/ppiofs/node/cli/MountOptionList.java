package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The options behind {@code -o}, as mount(8) and fstab(5) spell them.
 *
 * @param kernelOptions for the driver, without duplicates; of opposites the last one counts
 * @param home {@code home=DIR}
 * @param threads {@code threads=N}, 0 if not given
 * @param swarmSync {@code sync=swarm}
 */
record MountOptionList(
        boolean readOnly,
        List<String> kernelOptions,
        @Nullable Path home,
        @Nullable Path passphraseFile,
        @Nullable Path keyFile,
        int threads,
        boolean swarmSync) {
    /** Options that the driver or the kernel acts on, each with those that it takes back. */
    private static final Map<String, Set<String>> KERNEL = Map.ofEntries(
            Map.entry("allow_other", Set.of("allow_root")),
            Map.entry("allow_root", Set.of("allow_other")),
            Map.entry("dev", Set.of("nodev")),
            Map.entry("nodev", Set.of("dev")),
            Map.entry("suid", Set.of("nosuid")),
            Map.entry("nosuid", Set.of("suid")),
            Map.entry("exec", Set.of("noexec")),
            Map.entry("noexec", Set.of("exec")),
            Map.entry("atime", Set.of("noatime")),
            Map.entry("noatime", Set.of("atime", "strictatime")),
            Map.entry("relatime", Set.of("noatime", "strictatime")),
            Map.entry("strictatime", Set.of("noatime", "relatime")),
            Map.entry("diratime", Set.of("nodiratime")),
            Map.entry("nodiratime", Set.of("diratime")),
            Map.entry("nonempty", Set.of()),
            Map.entry("sync", Set.of()),
            Map.entry("dirsync", Set.of()),
            Map.entry("writeback_cache", Set.of("no_writeback_cache")),
            Map.entry("no_writeback_cache", Set.of("writeback_cache")));

    /** Options that take effect without us (mount(8), systemd), or describe what is so anyway. */
    private static final Set<String> ACCEPTED = Set.of(
            "defaults",
            "default_permissions",
            "async",
            "norelatime",
            "nostrictatime",
            "lazytime",
            "nolazytime",
            "auto",
            "noauto",
            "user",
            "nouser",
            "users",
            "owner",
            "group",
            "nofail",
            "fail",
            "_netdev",
            "silent",
            "loud",
            "big_writes",
            "hard_remove");

    /** With a value; the driver checks it. */
    private static final List<String> KERNEL_PREFIXES =
            List.of("attr_timeout=", "entry_timeout=", "max_background=", "max_readahead=", "driver=");

    private static final List<String> ACCEPTED_PREFIXES =
            List.of("x-", "X-", "comment=", "fsname=", "subtype=", "user=", "helper=", "uhelper=");

    MountOptionList {
        kernelOptions = List.copyOf(kernelOptions);
    }

    /**
     * @param values as given to {@code -o}, each perhaps several options with commas between them
     * @throws PpiofsException INVALID with one sentence for what is unknown
     */
    static MountOptionList parse(List<String> values) {
        return parse(values, false);
    }

    /** @param sloppy unknown options are left out, as mount(8) -s wants it */
    static MountOptionList parse(List<String> values, boolean sloppy) {
        Builder all = new Builder(sloppy);
        for (String value : values) {
            for (String option : value.split(",", -1)) {
                if (!option.isBlank()) {
                    all.add(option.strip());
                }
            }
        }
        return all.build();
    }

    private static final class Builder {
        private final boolean sloppy;
        private final Set<String> kernel = new LinkedHashSet<>();
        private boolean readOnly;
        private @Nullable Path home;
        private @Nullable Path passphraseFile;
        private @Nullable Path keyFile;
        private int threads;
        private boolean swarmSync;

        Builder(boolean sloppy) {
            this.sloppy = sloppy;
        }

        void add(String option) {
            Set<String> opposites = KERNEL.get(option);
            if (opposites != null) {
                kernel.removeAll(opposites);
                kernel.add(option);
            } else if (option.equals("ro") || option.equals("rw")) {
                readOnly = option.equals("ro");
            } else if (KERNEL_PREFIXES.stream().anyMatch(option::startsWith)) {
                kernel.add(option);
            } else if (option.equals("nosync")) {
                kernel.remove("sync");
            } else if (!ACCEPTED.contains(option) && ACCEPTED_PREFIXES.stream().noneMatch(option::startsWith)) {
                addOwn(option);
            }
        }

        private void addOwn(String option) {
            int equals = option.indexOf('=');
            String name = equals < 0 ? option : option.substring(0, equals).replace('_', '-');
            String value = equals < 0 ? "" : option.substring(equals + 1);
            switch (name) {
                case "home" -> home = path(option, value);
                case "passphrase-file" -> passphraseFile = path(option, value);
                case "key-file" -> keyFile = path(option, value);
                case "threads" -> threads = number(option, value);
                case "sync" -> sync(option, value);
                default -> {
                    if (!sloppy) {
                        throw wrong(option, "is unknown; see 'ppiofs mount --help'");
                    }
                }
            }
        }

        private static Path path(String option, String value) {
            if (value.isEmpty()) {
                throw wrong(option, "needs a path behind '='");
            }
            return Path.of(value);
        }

        private static int number(String option, String value) {
            if (!value.matches("[0-9]{1,3}") || Integer.parseInt(value) < 1 || Integer.parseInt(value) > 256) {
                throw wrong(option, "needs a number from 1 to 256");
            }
            return Integer.parseInt(value);
        }

        private void sync(String option, String value) {
            if (!value.equals("disk") && !value.equals("swarm")) {
                throw wrong(
                        option,
                        "must be sync=disk (fsync returns when this machine's disk has it) or sync=swarm (when peers have it,"
                                + " too)");
            }
            swarmSync = value.equals("swarm");
        }

        private static PpiofsException wrong(String option, String what) {
            return new PpiofsException(ErrorKind.INVALID, "mount", "-o " + option, what);
        }

        MountOptionList build() {
            return new MountOptionList(
                    readOnly, List.copyOf(kernel), home, passphraseFile, keyFile, threads, swarmSync);
        }
    }
}
