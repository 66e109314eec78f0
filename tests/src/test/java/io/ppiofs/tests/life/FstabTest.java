package io.ppiofs.tests.life;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.MountTable;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** mount(8) and fstab(5), in a mount namespace of its own so that the machine's files stay as they are. */
class FstabTest {
    private Scratch scratch;
    private PpiofsMount mount;

    @BeforeEach
    void fresh() {
        Tools.requireRoot();
        Tools.require("unshare", "mount");
        scratch = Scratch.open("fstab");
        mount = PpiofsMount.fresh(scratch);
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
    }

    /**
     * Inside the namespace /sbin/mount.ppiofs (the only place where mount(8) looks) comes from an overlay, and
     * /etc/fstab is covered by ours.
     */
    private Command.Result inNamespace(String fstab, String script) throws IOException {
        Path table = Files.writeString(scratch.path("fstab"), fstab);
        Path layers = scratch.directory("layers");
        return Command.shell("""
                        exec unshare -m --propagation private bash -e -c '
                          mount -t tmpfs none "$1"; mkdir "$1/up" "$1/work"
                          sbin=$(readlink -f /sbin)
                          mount -t overlay -o lowerdir=$sbin,upperdir=$1/up,workdir=$1/work none $sbin
                          ln -s "$3/mount.ppiofs" $sbin/mount.ppiofs
                          touch /etc/fstab; mount --bind "$2" /etc/fstab
                          cd /; dir=$4
                          eval "$5"
                        ' test "$@"
                        """, layers, table, PpiofsCommand.launcher().getParent(), mount.dir(), script)
                .with("PPIOFS_HOME", mount.home())
                .run();
    }

    @Test
    void an_fstab_line_mounts_and_umount_unmounts() throws IOException {
        String line =
                "default " + mount.dir() + " ppiofs " + PpiofsMount.OPTIONS + ",noauto,home=" + mount.home() + " 0 0\n";
        Command.Result result = inNamespace(line, """
                mount "$dir"
                findmnt -n -o FSTYPE "$dir"
                echo text > "$dir/file"; cat "$dir/file"
                umount "$dir"
                ! mountpoint -q "$dir"
                mount "$dir"; cat "$dir/file"; umount "$dir"
                """);
        assertThat(result.exit()).as(result.toString()).isZero();
        assertThat(result.out()).isEqualTo("fuse.ppiofs\ntext\ntext\n");
        assertThat(MountTable.isMounted(mount.dir())).isFalse();
    }

    @Test
    void remounting_makes_a_mount_read_only_and_back() throws IOException {
        String line =
                "default " + mount.dir() + " ppiofs " + PpiofsMount.OPTIONS + ",noauto,home=" + mount.home() + " 0 0\n";
        Command.Result result = inNamespace(line, """
                ln -sf mount.ppiofs $sbin/mount.fuse.ppiofs
                mount "$dir"
                mount -o remount,ro "$dir"
                ! touch "$dir/refused" 2>"$1/error"; grep -o "Read-only file system" "$1/error"
                mount -o remount,rw "$dir"
                touch "$dir/made"; ls "$dir"
                umount "$dir"
                """);
        assertThat(result.exit()).as(result.toString()).isZero();
        assertThat(result.out()).isEqualTo("Read-only file system\nmade\n");
    }

    @Test
    void mount_t_works_with_type_ppiofs_and_fuse_ppiofs() throws IOException {
        for (String type : new String[] {"ppiofs", "fuse.ppiofs"}) {
            Command.Result result = inNamespace(
                    "",
                    "ln -sf mount.ppiofs $sbin/mount.fuse.ppiofs; mount -t " + type + " -o home=" + mount.home()
                            + ",allow_other default \"$dir\"; mountpoint -q \"$dir\"; umount \"$dir\"");
            assertThat(result.exit()).as(type + ": " + result).isZero();
        }
    }

    @Test
    void a_wrong_option_in_fstab_is_refused_by_mount() throws IOException {
        Command.Result result = inNamespace(
                "default " + mount.dir() + " ppiofs frobnicate,noauto,home=" + mount.home() + " 0 0\n",
                "mount \"$dir\"");
        assertThat(result.exit()).isNotZero();
        assertThat(result.err()).contains("frobnicate");
        assertThat(MountTable.isMounted(mount.dir())).isFalse();
    }
}
