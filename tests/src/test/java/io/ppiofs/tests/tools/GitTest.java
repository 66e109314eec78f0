package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Tools;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class GitTest extends OnMount {
    @BeforeAll
    void needed() {
        Tools.require("git");
    }

    @Test
    void git_makes_commits_merges_clones_collects_and_finds_nothing_wrong() {
        Path work = directory("git");
        Command.shell("""
                export GIT_CONFIG_NOSYSTEM=1 HOME="$1"
                cd "$1"
                git config --global user.name test; git config --global user.email test@example.org
                git config --global init.defaultBranch trunk; git config --global core.fsync all
                git init -q origin; cd origin
                for i in $(seq 1 40); do
                  mkdir -p d$((i % 7)); head -c $((i * 900)) /dev/urandom | base64 > d$((i % 7))/f$i
                  echo "line $i" >> log; git add -A; git commit -q -m "commit $i"
                done
                git checkout -q -b side HEAD~20; echo side > side; git add side; git commit -q -m side
                git checkout -q trunk; git merge -q -m merge side
                cd ..; git clone -q origin clone; git clone -q --no-hardlinks --bare origin bare.git
                git -C clone gc -q --aggressive --prune=now; git -C bare.git repack -q -a -d
                """, work).ok();
        assertSurvivesRemount(work);
        for (String repository : new String[] {"origin", "clone", "bare.git"}) {
            git(work, repository, "fsck", "--full", "--strict");
        }
        assertThat(git(work, "clone", "status", "--porcelain")).isEmpty();
        assertThat(git(work, "clone", "rev-list", "--count", "HEAD").strip()).isEqualTo("42");
        git(work, "clone", "pull", "-q");
        git(work, "clone", "worktree", "add", "-q", "../tree", "HEAD~3");
        assertThat(git(work, "tree", "status", "--porcelain")).isEmpty();
    }

    private String git(Path work, String repository, String... words) {
        List<String> command = new ArrayList<>(List.of("git"));
        command.addAll(List.of(words));
        return Command.of(command)
                .in(work.resolve(repository))
                .with("HOME", work)
                .ok()
                .out();
    }
}
