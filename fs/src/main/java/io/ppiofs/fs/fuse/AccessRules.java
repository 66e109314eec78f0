package io.ppiofs.fs.fuse;

import io.ppiofs.fs.core.AccessTimes;
import java.util.Set;

/** When reading moves access times on one mount, which a remount may change. Thread-safe. */
public final class AccessRules {
    private record Rules(AccessTimes files, AccessTimes directories) {}

    private volatile Rules rules;

    AccessRules(AccessTimes files, AccessTimes directories) {
        this.rules = new Rules(files, directories);
    }

    /** Of files and links; what shall move must reach the core. */
    public AccessTimes files() {
        return rules.files();
    }

    public AccessTimes directories() {
        return rules.directories();
    }

    /** @param flags of the mount, as {@link MountTable#flags} has them */
    public void follow(Set<String> flags) {
        AccessTimes files = AccessTimes.ALWAYS;
        if (flags.contains("ro") || flags.contains("noatime")) {
            files = AccessTimes.NEVER;
        } else if (flags.contains("relatime")) {
            files = AccessTimes.RELATIVE;
        }
        rules = new Rules(files, flags.contains("nodiratime") ? AccessTimes.NEVER : files);
    }
}
