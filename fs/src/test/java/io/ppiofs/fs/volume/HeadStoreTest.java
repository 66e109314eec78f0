package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HeadStoreTest {
    @TempDir
    Path directory;

    private HeadStore store;

    /** The process ends here: nothing after it happens. */
    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @BeforeEach
    void firstHead() {
        store = reopen();
        store.create(HeadState.empty());
    }

    @Test
    void aCommittedHeadIsReadAgain() {
        Head first = store.read();
        Head second = store.commit(Fixed.state(Fixed.HLC));
        assertThat(second.clear().sequence()).isEqualTo(2);
        assertThat(second.clear().parents()).containsExactly(first.id());
        Head read = reopen().read();
        assertThat(read.id()).isEqualTo(second.id());
        assertThat(read.state()).isEqualTo(Fixed.state(Fixed.HLC));
        assertThat(Head.open(bytes(HeadStore.PREVIOUS), Fixed.SECRETS.keys(), "test")
                        .id())
                .isEqualTo(first.id());
        assertThat(directory).isDirectoryNotContaining("glob:**.new");
    }

    @ParameterizedTest
    @EnumSource(HeadStore.Step.class)
    void killedAnywhereTheVolumeOpensWithTheOldOrTheNewHead(HeadStore.Step at) {
        Head old = store.commit(Fixed.state(Fixed.HLC));
        HeadStore killed = open(step -> {
            if (step == at) {
                throw new Killed();
            }
        });
        assertThatThrownBy(() -> killed.commit(Fixed.state(Fixed.HLC + 1))).isInstanceOf(Killed.class);

        HeadStore after = reopen();
        boolean isNew = at.compareTo(HeadStore.Step.HEAD_RENAMED) >= 0;
        assertThat(after.read().state()).isEqualTo(Fixed.state(isNew ? Fixed.HLC + 1 : Fixed.HLC));
        assertThat(after.read().clear().sequence()).isEqualTo(old.clear().sequence() + (isNew ? 1 : 0));
        Head next = after.commit(Fixed.state(Fixed.HLC + 2));
        assertThat(reopen().read().id()).isEqualTo(next.id());
    }

    @ParameterizedTest
    @EnumSource(HeadStore.Step.class)
    void aFullDiskLeavesAHeadAndTheStoreGoesOn(HeadStore.Step at) {
        boolean[] full = {false};
        HeadStore small = open(step -> {
            if (full[0] && step == at) {
                throw new IOException("No space left on device");
            }
        });
        small.commit(Fixed.state(Fixed.HLC));
        full[0] = true;
        assertThatThrownBy(() -> small.commit(Fixed.state(Fixed.HLC + 1)))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.NO_SPACE));
        boolean isNew = at.compareTo(HeadStore.Step.HEAD_RENAMED) >= 0;
        assertThat(small.read().state()).isEqualTo(Fixed.state(isNew ? Fixed.HLC + 1 : Fixed.HLC));
        full[0] = false;
        small.commit(Fixed.state(Fixed.HLC + 2));
        assertThat(reopen().read().state()).isEqualTo(Fixed.state(Fixed.HLC + 2));
    }

    @Test
    void aHalfWrittenNewHeadIsIgnored() throws IOException {
        Head head = store.commit(Fixed.state(Fixed.HLC));
        Files.write(directory.resolve("head.new"), Arrays.copyOf(head.envelope(), 30));
        Files.write(directory.resolve("seen.new"), new byte[3]);
        assertThat(reopen().read().id()).isEqualTo(head.id());
        assertThat(reopen().commit(Fixed.state(Fixed.HLC + 1)).clear().sequence())
                .isEqualTo(3);
    }

    @Test
    void aMissingOrDamagedHeadIsOneSentence() throws IOException {
        byte[] good = bytes(HeadStore.HEAD);
        Files.delete(directory.resolve(HeadStore.HEAD));
        assertThatThrownBy(() -> reopen().read())
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT))
                .hasMessageContaining("missing");
        Files.write(directory.resolve(HeadStore.HEAD), new byte[0]);
        assertThatThrownBy(() -> reopen().read())
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT))
                .hasMessageContaining("ends early");
        byte[] changed = good.clone();
        changed[changed.length - 1] ^= 1;
        Files.write(directory.resolve(HeadStore.HEAD), changed);
        assertThatThrownBy(() -> reopen().read())
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT))
                .hasMessageContaining("signature is wrong");
        Files.write(directory.resolve(HeadStore.HEAD), new byte[Head.MAX_LENGTH + 1]);
        assertThatThrownBy(() -> reopen().read()).satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
    }

    @Test
    void aHeadThatGoesBackIsRefusedUntilTheMemoryIsDeleted() throws IOException {
        store.commit(Fixed.state(Fixed.HLC));
        byte[] old = bytes(HeadStore.HEAD);
        store.commit(Fixed.state(Fixed.HLC + 1));
        Files.write(directory.resolve(HeadStore.HEAD), old);
        assertThatThrownBy(() -> reopen().read())
                .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT))
                .hasMessageContaining("went back")
                .hasMessageContaining("delete " + directory.resolve(HeadStore.SEEN));
        Files.delete(directory.resolve(HeadStore.SEEN));
        assertThat(reopen().read().state()).isEqualTo(Fixed.state(Fixed.HLC));
    }

    @Test
    void aHeadOfAnEarlierSequenceIsRefusedEvenIfItContainsAsMuch() throws IOException {
        store.commit(Fixed.state(Fixed.HLC));
        byte[] old = bytes(HeadStore.HEAD);
        store.commit(Fixed.state(Fixed.HLC));
        Files.write(directory.resolve(HeadStore.HEAD), old);
        assertThatThrownBy(() -> reopen().read()).satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT));
    }

    @Test
    void aChangedMemoryIsRefused() throws IOException {
        byte[] seen = bytes(HeadStore.SEEN);
        for (int i = 0; i < seen.length; i++) {
            byte[] changed = seen.clone();
            changed[i] ^= 1;
            Files.write(directory.resolve(HeadStore.SEEN), changed);
            assertThatThrownBy(() -> reopen().read())
                    .satisfies(e -> KeysTest.kind(e, ErrorKind.CORRUPT))
                    .hasMessageContaining("delete this file");
        }
    }

    @Test
    void aStateThatLosesSomethingIsNotSigned() {
        store.commit(Fixed.state(Fixed.HLC));
        assertThatThrownBy(() -> store.commit(HeadState.empty())).isInstanceOf(IllegalArgumentException.class);
        HeadState s = Fixed.state(Fixed.HLC);
        assertThatThrownBy(() -> store.commit(new HeadState(
                        s.treeRoot(), s.clock(), s.versions(), s.journalLsn() - 1, s.nextInode(), s.extensions())))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(store.read().state()).isEqualTo(s);
    }

    @Test
    void whoMayNotWriteIsTold() {
        HeadStore reader = new HeadStore(directory, VolumeKeys.of(Fixed.RW.readOnly(3), null), null, Fixed.WALL);
        assertThat(reader.read().state()).isEqualTo(HeadState.empty());
        assertThatThrownBy(() -> reader.commit(Fixed.state(Fixed.HLC)))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.READ_ONLY));
        InstantSource later = InstantSource.fixed(Fixed.NOW.plusSeconds(86_400));
        HeadStore expired = new HeadStore(directory, Fixed.SECRETS.keys(), Fixed.WRITER, later);
        assertThatThrownBy(() -> expired.commit(Fixed.state(Fixed.HLC)))
                .satisfies(e -> KeysTest.kind(e, ErrorKind.NOT_PERMITTED));
        VolumeKeys earlier = VolumeKeys.of(Fixed.RW.readOnly(2), null);
        assertThatThrownBy(() -> new HeadStore(directory, earlier, null, Fixed.WALL).read())
                .isInstanceOf(PpiofsException.class)
                .satisfies(e -> KeysTest.kind(e, ErrorKind.WRONG_KEY));
    }

    @Test
    void keysAdvanceToTheHeadsEpoch() {
        VolumeKeys keys = Fixed.SECRETS.keys();
        HeadStore rotated = new HeadStore(directory, keys, Fixed.WRITER, Fixed.WALL);
        keys.advanceTo(8);
        assertThat(rotated.commit(Fixed.state(Fixed.HLC)).clear().epoch()).isEqualTo(8);
        VolumeKeys again = Fixed.SECRETS.keys();
        new HeadStore(directory, again, Fixed.WRITER, Fixed.WALL).read();
        assertThat(again.currentEpoch()).isEqualTo(8);
    }

    private HeadStore reopen() {
        return open(step -> {});
    }

    private HeadStore open(HeadStore.Probe probe) {
        return new HeadStore(directory, Fixed.SECRETS.keys(), Fixed.WRITER, Fixed.WALL, probe);
    }

    private byte[] bytes(String name) {
        try {
            return Files.readAllBytes(directory.resolve(name));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
