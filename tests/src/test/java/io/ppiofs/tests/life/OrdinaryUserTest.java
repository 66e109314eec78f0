package io.ppiofs.tests.life;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.MountTable;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A mount by an account that is not root, through the setuid fusermount3. All happens in a mount namespace of its own,
 * with its own /dev/fuse (which may be root's alone on the machine) and /etc/fuse.conf: when the processes are gone, so
 * is everything else.
 */
class OrdinaryUserTest {
    private static final String USER = "nobody";
    private static final int EXIT_DENIED = 77;

    private Scratch scratch;
    private Path home;
    private Path launcher;

    @BeforeEach
    void copyWhatAUserCanReach() {
        Tools.requireRoot();
        Tools.require("unshare", "setpriv", "fusermount3", "mknod");
        scratch = Scratch.open("user");
        home = scratch.directory("home");
        Command.of("chown", USER + ":", home).ok();
        launcher = reachableCopy(PpiofsCommand.launcher());
    }

    @AfterEach
    void leaveNothingBehind() {
        scratch.close();
        assertThat(MountTable.entries()).noneMatch(entry -> entry.mountPoint().startsWith(scratch.root()));
    }

    /** The checkout may lie below a directory that only its owner enters. */
    private Path reachableCopy(Path original) {
        Command.of(original, "version").within(Duration.ofMinutes(10)).ok(); // builds, if need be
        Path scripts = original.getParent();
        Path copy = scratch.directory("checkout");
        Command.shell("""
                        mkdir -p "$2/node/target"
                        cp -r "$1/mount-scripts" "$2/"
                        cp -r "$1/node/target/dist" "$2/node/target/"
                        chmod -R go+rX "$2"
                        """, scripts.getParent(), copy).ok();
        return copy.resolve("mount-scripts/ppiofs");
    }

    /** Runs one script as the user, then one as root beside it, then another as the user; {@code $p} is the command. */
    private Command.Result asUser(String fuseConf, String script, String asRoot, String afterwards) {
        return Command.shell("""
                        exec unshare -m --propagation private bash -e -c '
                          mount -t tmpfs -o mode=755 none "$1"
                          mknod -m 666 "$1/fuse" c 10 229; mount --bind "$1/fuse" /dev/fuse
                          echo "$2" >"$1/fuse.conf"; touch /etc/fuse.conf; mount --bind "$1/fuse.conf" /etc/fuse.conf
                          user() {
                            setpriv --reuid "$user" --regid nogroup --clear-groups env -i PATH=/usr/bin:/bin \
                              HOME="$home" p="$p" bash -e -o pipefail -c "$1"
                          }
                          export home=$3 p=$4 user=$5
                          cd "$home"
                          user "$6"; eval "$7"; user "$8"
                        ' test "$@"
                        """, scratch.directory("dev"), fuseConf, home, launcher, USER, script, asRoot, afterwards)
                .within(Duration.ofMinutes(3))
                .run();
    }

    @Test
    void mounts_writes_reads_and_unmounts_and_root_stays_outside() {
        asUser("", """
                        mkdir ~/m
                        "$p" mount ~/m -d
                        grep -q " $HOME/m fuse.ppiofs rw,nosuid,nodev,.*user_id=$(id -u)," /proc/mounts
                        [[ $(stat -c %u:%a ~/m) == $(id -u):755 && $(stat -c %a ~/.local/share/ppiofs) == 700 ]]
                        mkdir ~/m/d; echo hello >~/m/d/file; chmod 600 ~/m/d/file
                        ln ~/m/d/file ~/m/hard; ln -s d/file ~/m/soft; mv ~/m/hard ~/m/d/
                        head -c 3000000 /dev/urandom >~/m/big; sha256sum ~/m/big >~/sum
                        [[ $(stat -c %U:%h ~/m/d/file) == nobody:2 ]]
                        ! chown root ~/m/d/file 2>/dev/null
                        """, """
                        ! ls "$home/m" 2>/dev/null
                        """, """
                        "$p" status | grep -q "$HOME/m"
                        "$p" umount ~/m
                        ! grep -q " $HOME/m " /proc/mounts
                        [[ -z $(ls ~/m) ]]
                        "$p" fsck
                        "$p" mount ~/m -d
                        [[ $(cat ~/m/soft) == hello ]]; sha256sum --quiet -c ~/sum
                        # a node that was killed, and a mount over what it left
                        kill -9 $(cat ~/.local/share/ppiofs/lock)
                        ! ls ~/m 2>/dev/null
                        "$p" mount ~/m -d
                        [[ $(cat ~/m/soft) == hello ]]; sha256sum --quiet -c ~/sum
                        fusermount3 -u ~/m
                        """).orFail();
    }

    @Test
    void allow_other_is_refused_with_one_sentence_unless_the_machine_permits_it() {
        Command.Result refused =
                asUser("", "mkdir ~/m", "", "\"$p\" version >/dev/null 2>&1; \"$p\" mount ~/m -d -o allow_other");
        assertThat(refused.exit()).as("%s", refused).isEqualTo(EXIT_DENIED);
        assertThat(refused.err()).contains("user_allow_other", "/etc/fuse.conf").doesNotContain("Exception");
        asUser(
                        "user_allow_other",
                        "\"$p\" mount ~/m -d -o allow_other; echo 1 >~/m/f",
                        "[[ $(cat \"$home/m/f\") == 1 ]]",
                        "\"$p\" umount ~/m")
                .orFail();
    }
}
