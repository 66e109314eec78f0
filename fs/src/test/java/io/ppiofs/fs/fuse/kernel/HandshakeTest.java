package io.ppiofs.fs.fuse.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.KernelOptions;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.NativeSystem;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import jnr.ffi.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** INIT against a kernel that a test plays, over a socket that keeps messages apart. */
class HandshakeTest {
    private static final int EPROTO = 71;
    private static final int FLAGS_OFFERED_BY_NOBODY_WE_KNOW = 1 << 26;

    private final NativeSystem system = NativeSystem.load();
    private final ByteBuffer memory = ByteBuffer.allocateDirect(4096).order(ByteOrder.nativeOrder());
    private final long address = Pointer.wrap(system.runtime(), memory).address();
    private final DevicePair devices = new DevicePair(system);
    private final Device driver = devices.driver;
    private final Device kernel = devices.kernel;

    @AfterEach
    void disconnect() {
        devices.close();
    }

    private static KernelOptions options(String... words) {
        return KernelOptions.of(new MountOptions("ppiofs:test", false, List.of(words), 1));
    }

    private void offer(long unique, int major, int minor, int flags, int flags2) {
        int length = Wire.IN_HEADER + 64;
        for (int i = 0; i < length; i++) {
            memory.put(i, (byte) 0);
        }
        memory.putInt(Wire.IN_LENGTH, length).putInt(Wire.IN_OPCODE, Opcode.INIT.number());
        memory.putLong(Wire.IN_UNIQUE, unique);
        memory.putInt(Wire.INIT_MAJOR, major).putInt(Wire.INIT_MINOR, minor);
        memory.putInt(Wire.INIT_MAX_READAHEAD, 131_072);
        memory.putInt(Wire.INIT_FLAGS, flags).putInt(Wire.INIT_FLAGS2, flags2);
        assertThat(kernel.write(address, length)).isZero();
    }

    /** @return the payload's first byte in {@link #memory} */
    private int answer(long unique) {
        int n = kernel.read(address, memory.capacity());
        assertThat(n).isGreaterThanOrEqualTo(Wire.OUT_HEADER).isEqualTo(memory.getInt(Wire.OUT_LENGTH));
        assertThat(memory.getLong(Wire.OUT_UNIQUE)).isEqualTo(unique);
        return Wire.OUT_HEADER;
    }

    @ParameterizedTest
    @CsvSource({"31,31", "37,37", "45,45", "46,45", "99,45"})
    void takesTheSmallerMinorVersion(int offered, int agreed) {
        offer(7, 7, offered, ~0, ~0);
        assertThat(Handshake.perform(driver, options()).minor()).isEqualTo(agreed);
        int h = answer(7);
        assertThat(memory.getInt(h + Wire.INIT_OUT_MAJOR)).isEqualTo(7);
        assertThat(memory.getInt(h + Wire.INIT_OUT_MINOR)).isEqualTo(agreed);
        assertThat(memory.getInt(h + Wire.INIT_OUT_MAX_WRITE)).isEqualTo(1 << 20);
        assertThat(memory.getShort(h + Wire.INIT_OUT_MAX_PAGES)).isEqualTo((short) 256);
    }

    @Test
    void namesOnlyFlagsThatBothKnow() {
        offer(1, 7, 45, ~0, ~0);
        Handshake.Agreed all = Handshake.perform(driver, options());
        int h = answer(1);
        int flags = memory.getInt(h + Wire.INIT_OUT_FLAGS);
        assertThat(flags & FLAGS_OFFERED_BY_NOBODY_WE_KNOW).isZero();
        assertThat(memory.getInt(h + Wire.INIT_OUT_FLAGS2))
                .as("of the upper half")
                .isEqualTo((int) ((Wire.SECURITY_CTX | Wire.CREATE_SUPP_GROUP) >>> 32));
        assertThat(all.has(Wire.POSIX_ACL)).isTrue();
        assertThat(all.has(Wire.WRITEBACK_CACHE)).isFalse();
        offer(2, 7, 45, (int) (Wire.BIG_WRITES | Wire.MAX_PAGES), 0);
        assertThat(Handshake.perform(driver, options()).flags()).isEqualTo(Wire.BIG_WRITES | Wire.MAX_PAGES);
        answer(2);
        offer(3, 7, 45, ~0, ~0);
        assertThat(Handshake.perform(driver, options("writeback_cache")).has(Wire.WRITEBACK_CACHE))
                .isTrue();
        answer(3);
        offer(4, 7, Wire.EXTENSIONS_SINCE - 1, ~0, ~0);
        assertThat(Handshake.perform(driver, options()).has(Wire.SECURITY_CTX))
                .as("contexts that nobody could find in a request")
                .isFalse();
        answer(4);
    }

    @Test
    void letsANewerKernelAskAgain() {
        offer(1, 8, 0, 0, 0);
        Thread mount = new Thread(() -> Handshake.perform(driver, options()));
        mount.start();
        int h = answer(1);
        assertThat(memory.getInt(h + Wire.INIT_OUT_MAJOR)).isEqualTo(7);
        offer(2, 7, 45, ~0, ~0);
        h = answer(2);
        assertThat(memory.getInt(h + Wire.INIT_OUT_MINOR)).isEqualTo(45);
    }

    @Test
    void refusesAKernelThatIsTooOld() {
        offer(1, 7, 30, ~0, 0);
        assertThatThrownBy(() -> Handshake.perform(driver, options()))
                .isInstanceOfSatisfying(PpiofsException.class, e -> {
                    assertThat(e.kind()).isEqualTo(ErrorKind.NOT_SUPPORTED);
                    assertThat(e.getMessage()).contains("driver=jnr");
                });
        answer(1);
        assertThat(memory.getInt(Wire.OUT_ERROR)).isEqualTo(-EPROTO);
    }
}
