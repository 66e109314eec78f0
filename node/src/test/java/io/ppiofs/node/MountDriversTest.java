package io.ppiofs.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.fs.fuse.FuseMount;
import io.ppiofs.fs.fuse.MountOptions;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MountDriversTest {
    private static final FileSystemCore CORE = stub(FileSystemCore.class);
    private static final FuseMount MOUNT = stub(FuseMount.class);

    private final List<String> events = new ArrayList<>();
    private @Nullable ErrorKind kernelRefuses;
    private @Nullable ErrorKind libraryRefuses;

    private static <T> T stub(Class<T> type) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            throw new AssertionError(method + " is not asked here");
        }));
    }

    private FuseMount answer(String driver, @Nullable ErrorKind refusal, MountOptions options) {
        events.add(driver + options.kernelOptions());
        if (refusal != null) {
            throw new PpiofsException(refusal, "mount", driver, "does not want to");
        }
        return MOUNT;
    }

    private FuseMount mount(MountDrivers drivers, String... options) {
        return drivers.mount(CORE, Path.of("/m"), new MountOptions("ppiofs:v", false, List.of(options), 1));
    }

    private MountDrivers drivers(String usual) {
        FuseDriver kernel = (core, dir, options) -> answer("kernel", kernelRefuses, options);
        FuseDriver jnr = (core, dir, options) -> answer("jnr", libraryRefuses, options);
        return new MountDrivers(usual, kernel, jnr, true);
    }

    @Test
    void the_kernel_driver_is_the_usual_one_and_the_option_chooses_another() {
        MountDrivers auto = drivers("auto");
        mount(auto, "allow_other");
        mount(auto, "driver=jnr", "allow_other");
        mount(drivers("jnr"));
        mount(drivers("jnr"), "driver=auto");
        assertThat(events).containsExactly("kernel[allow_other]", "jnr[allow_other]", "jnr[]", "kernel[]");
        assertThatThrownBy(() -> mount(auto, "driver=fast")).hasMessageContaining("give auto, kernel or jnr");
    }

    @Test
    void what_the_system_cannot_have_is_not_tried_again() {
        kernelRefuses = ErrorKind.NOT_SUPPORTED;
        MountDrivers auto = drivers("auto");
        assertThat(mount(auto)).isSameAs(MOUNT);
        mount(auto);
        assertThat(events).containsExactly("kernel[]", "jnr[]", "jnr[]");
    }

    @Test
    void a_refusal_for_another_reason_is_the_answer() {
        kernelRefuses = ErrorKind.BUSY;
        assertThatThrownBy(() -> mount(drivers("auto"))).hasMessageContaining("kernel");
        kernelRefuses = ErrorKind.NOT_SUPPORTED;
        assertThatThrownBy(() -> mount(drivers("kernel"))).hasMessageContaining("kernel");
        assertThat(events).doesNotContain("jnr[]");
    }

    @Test
    void if_neither_can_mount_the_user_hears_of_the_kernel_driver() {
        kernelRefuses = ErrorKind.NOT_SUPPORTED;
        libraryRefuses = ErrorKind.NOT_SUPPORTED;
        MountDrivers auto = drivers("auto");
        assertThatThrownBy(() -> mount(auto)).hasMessageContaining("kernel");
        kernelRefuses = null;
        mount(auto);
        assertThat(events).containsExactly("kernel[]", "jnr[]", "kernel[]");
    }
}
