package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Tools;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class CopyingToolsTest extends OnMount {
    private Path source;

    @BeforeAll
    void makeATreeWithEverythingInIt() {
        Tools.require("rsync", "tar", "setfattr");
        source = scratch().directory("source");
        Command.shell("""
                cd "$1"
                mkdir -p a/b/c empty "name with spaces" ünïcode
                head -c 3000000 /dev/urandom > a/random
                head -c 100 /dev/urandom > a/small
                : > a/nothing
                yes line | head -c 500000 > a/b/text || true
                head -c 1 /dev/zero > a/b/c/one
                truncate -s 5M sparse; printf x | dd of=sparse bs=1 seek=3000000 conv=notrunc status=none
                ln a/random hard1; ln a/random a/b/hard2
                ln -s a/random soft; ln -s nowhere dangling; ln -s . loop
                mkfifo pipe; mknod null c 1 3
                setfattr -n user.colour -v green a/random
                setfattr -n user.long -v "$(head -c 2000 /dev/zero | tr '\\0' x)" a/b
                chmod 4755 a/small; chmod 2770 empty; chmod 1777 a/b; chmod 000 a/nothing
                chown 1234:5678 a/b/text; chown -h 77:88 soft
                printf x > "$(head -c 255 /dev/zero | tr '\\0' n)"
                cp -r /usr/share/perl5/. perl
                # old: rsync takes two times in one second for equal
                        find . -depth -exec touch -h -d '2011-12-13 14:15:16.171819202' {} +
                        touch -d '2001-02-03 04:05:06.123456789' a/random a/b; touch -h -d '1999-01-01 00:00:00.5' dangling
                """, source).ok();
    }

    @Test
    void cp_a_copies_everything_and_a_second_copy_inside_the_mount_is_equal() {
        Path copy = directory("cp");
        Command.of("cp", "-a", source + "/.", copy).ok();
        assertEqualToSource(copy);
        Path second = directory("cp-again");
        Command.of("cp", "-a", copy + "/.", second).ok();
        assertEqualToSource(second);
        assertSurvivesRemount(fs().dir());
        assertEqualToSource(second);
    }

    @Test
    void mv_moves_a_tree_in_within_and_out_again() {
        Path incoming = scratch().directory("incoming");
        Command.of("cp", "-a", source + "/.", incoming).ok();
        Path target = directory("mv");
        Command.of("mv", incoming, target.resolve("first")).ok();
        Command.of("mv", target.resolve("first"), target.resolve("second")).ok();
        assertEqualToSource(target.resolve("second"));
        assertSurvivesRemount(target);
        Path outside = scratch().path("outside");
        Command.of("mv", target.resolve("second"), outside).ok();
        assertEqualToSource(outside);
        assertThat(target).isEmptyDirectory();
    }

    @Test
    void tar_writes_and_restores_everything() {
        Path work = directory("tar");
        Path archive = work.resolve("archive.tar");
        Path unpacked = directory("untar");
        Command.of("tar", "--xattrs", "-C", source, "-cf", archive, ".").ok();
        Command.of("tar", "--xattrs", "-C", unpacked, "-xpf", archive).ok();
        assertEqualToSource(unpacked);
        assertSurvivesRemount(unpacked);
        Command.of("tar", "--xattrs", "-C", unpacked, "--compare", "-f", archive)
                .ok();
    }

    @Test
    void rsync_with_hard_links_and_xattrs_transfers_nothing_the_second_time() {
        Path copy = directory("rsync");
        Command.of("rsync", "-aHX", source + "/", copy + "/").ok();
        assertEqualToSource(copy);
        assertSurvivesRemount(copy);
        String second =
                Command.of("rsync", "-aHXi", source + "/", copy + "/").ok().out();
        assertThat(second).as("itemised changes of the second run").isEmpty();
        String checked =
                Command.of("rsync", "-aHXic", source + "/", copy + "/").ok().out();
        assertThat(checked).as("itemised changes by check sum").isEmpty();
    }

    private void assertEqualToSource(Path copy) {
        Manifest.of(source, Manifest.Scope.WITH_TIMES)
                .assertSame(Manifest.of(copy, Manifest.Scope.WITH_TIMES), copy + " against its source");
    }
}
