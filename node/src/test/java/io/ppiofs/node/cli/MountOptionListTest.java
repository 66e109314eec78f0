package io.ppiofs.node.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MountOptionListTest {
    private static MountOptionList parse(String... values) {
        return MountOptionList.parse(List.of(values));
    }

    @Test
    void knownOptionsReachTheDriverAndOthersAreAccepted() {
        MountOptionList list = parse(
                "rw,allow_other,default_permissions,dev,suid",
                "x-systemd.automount,_netdev,nofail,noauto,user,comment=a b,relatime,,defaults");
        assertThat(list.readOnly()).isFalse();
        assertThat(list.kernelOptions()).containsExactly("allow_other", "dev", "suid", "relatime");
    }

    @Test
    void ofOppositesTheLastCounts() {
        MountOptionList list = parse("ro,nodev,nosuid,noexec,rw,dev", "suid", "ro");
        assertThat(list.readOnly()).isTrue();
        assertThat(list.kernelOptions()).containsExactly("noexec", "dev", "suid");
    }

    @Test
    void ofTheRulesForAccessTimesTheLastCounts() {
        assertThat(parse("strictatime,relatime").kernelOptions()).containsExactly("relatime");
        assertThat(parse("noatime,strictatime").kernelOptions()).containsExactly("strictatime");
        assertThat(parse("strictatime,noatime").kernelOptions()).containsExactly("noatime");
        assertThat(parse("nodiratime,strictatime,diratime").kernelOptions()).containsExactly("strictatime", "diratime");
    }

    @Test
    void ownOptionsAreForFstab() {
        MountOptionList list = parse("home=/var/lib/p,passphrase_file=/etc/p.pass,key-file=/etc/k,threads=3,sync=disk");
        assertThat(list.home()).isEqualTo(Path.of("/var/lib/p"));
        assertThat(list.passphraseFile()).isEqualTo(Path.of("/etc/p.pass"));
        assertThat(list.keyFile()).isEqualTo(Path.of("/etc/k"));
        assertThat(list.threads()).isEqualTo(3);
        assertThat(list.kernelOptions()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"bla", "bla=2", "home=", "threads=0", "threads=x", "threads=999", "sync=maybe", "passphrase=x"})
    void whatIsUnknownOrWrongIsOneSentence(String option) {
        assertThatThrownBy(() -> parse("ro", option))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining(option);
    }

    @Test
    void theLastWordOnFsyncCounts() {
        assertThat(parse("sync=swarm").swarmSync()).isTrue();
        assertThat(parse("sync=swarm,sync=disk").swarmSync()).isFalse();
        assertThat(parse("sync").swarmSync()).isFalse();
    }

    @Test
    void sloppyLeavesOutWhatIsUnknownAndOnlyThat() {
        assertThat(MountOptionList.parse(List.of("bla,noexec,blub=1"), true).kernelOptions())
                .containsExactly("noexec");
        assertThatThrownBy(() -> MountOptionList.parse(List.of("threads=x"), true))
                .isInstanceOf(PpiofsException.class);
    }
}
