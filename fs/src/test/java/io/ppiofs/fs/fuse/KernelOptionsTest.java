package io.ppiofs.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.AccessTimes;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelOptionsTest {
    private static KernelOptions of(boolean readOnly, String... options) {
        return KernelOptions.of(new MountOptions("ppiofs:a,b", readOnly, List.of(options), 1));
    }

    @Test
    void passesWhatTheKernelKnows() {
        List<String> arguments = of(false, "allow_other", "dev", "suid", "default_permissions", "relatime")
                .arguments("ppiofs:a,b");
        assertThat(arguments).hasSize(3);
        assertThat(arguments.get(2))
                .startsWith("allow_other,dev,suid,rw,default_permissions,fsname=ppiofs:a\\,b,subtype=ppiofs,")
                .contains("big_writes", "max_write=131072", "atomic_o_trunc")
                .doesNotContain("relatime", "nonempty");
    }

    @Test
    void knowsReadOnlyEitherWay() {
        assertThat(of(true).arguments("x").get(2)).startsWith("ro,");
        assertThat(of(false, "ro").arguments("x").get(2)).startsWith("ro,");
        assertThat(of(true).caching().rules().files()).isEqualTo(AccessTimes.NEVER);
        assertThat(of(false, "noatime").caching().rules().files()).isEqualTo(AccessTimes.NEVER);
        assertThat(of(false).caching().rules().files()).isEqualTo(AccessTimes.RELATIVE);
    }

    @Test
    void accessTimesAreTheCores() {
        KernelOptions strict = of(false, "strictatime", "nodiratime");
        assertThat(strict.caching().rules().files()).isEqualTo(AccessTimes.ALWAYS);
        assertThat(strict.caching().rules().directories()).isEqualTo(AccessTimes.NEVER);
        assertThat(strict.mountFlags() & (1 << 24 | 2048)).isEqualTo(1 << 24 | 2048);
        assertThat(strict.arguments("x").get(2)).doesNotContain("strictatime", "nodiratime");
        assertThat(strict.fusermountOptions("x")).doesNotContain("strictatime", "nodiratime");
        assertThat(of(true, "strictatime").caching().rules().files()).isEqualTo(AccessTimes.NEVER);
    }

    @Test
    void takesTimeouts() {
        Caching c = of(false, "attr_timeout=0", "entry_timeout=1.5").caching();
        assertThat(c.attrSeconds()).isZero();
        assertThat(c.entrySeconds()).isEqualTo(1.5);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense",
                "",
                "fsname=x",
                "user_id=0",
                "attr_timeout=x",
                "attr_timeout=-1",
                "attr_timeout=NaN",
                "entry_timeout=",
                "max_background=0",
                "max_readahead=99999999999",
                "allow_other,dev"
            })
    void refusesAndNames(String option) {
        assertThatThrownBy(() -> of(false, option)).isInstanceOfSatisfying(PpiofsException.class, e -> {
            assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
            assertThat(e.subject()).isEqualTo(option);
        });
    }

    @Test
    void refusesBothAllows() {
        assertThatThrownBy(() -> of(false, "allow_other", "allow_root")).isInstanceOf(PpiofsException.class);
    }
}
