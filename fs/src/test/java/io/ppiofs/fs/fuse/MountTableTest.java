package io.ppiofs.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MountTableTest {
    @Test
    void readsALine() {
        MountTable.Entry e =
                MountTable.parse("36 35 0:57 / /mnt/a\\040b\\134c rw,nosuid shared:1 master:2 - fuse.ppiofs"
                        + " ppiofs:default rw,user_id=0,group_id=0");
        assertThat(e).isEqualTo(new MountTable.Entry(36, "0:57", "/mnt/a b\\c", "fuse.ppiofs", "ppiofs:default"));
        assertThat(e.connection()).isEqualTo("57");
        assertThat(e.fuse()).isTrue();
    }

    @Test
    void readsALineWithoutOptionalFields() {
        MountTable.Entry e = MountTable.parse("22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw");
        assertThat(e.mountPoint()).isEqualTo("/");
        assertThat(e.fuse()).isFalse();
    }

    @Test
    void findsTheMountsOfThisMachine() {
        assertThat(MountTable.at(Path.of("/proc"))).hasValueSatisfying(e -> {
            assertThat(e.type()).isEqualTo("proc");
            assertThat(MountTable.contains(e)).isTrue();
            assertThat(MountTable.flags(e))
                    .hasValueSatisfying(flags -> assertThat(flags)
                            .containsAnyOf("relatime", "noatime", "rw")
                            .noneMatch(f -> f.contains("=")));
        });
        assertThat(MountTable.at(Path.of("/proc/self"))).isEmpty();
    }
}
