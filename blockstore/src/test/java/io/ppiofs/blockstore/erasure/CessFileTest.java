package io.ppiofs.blockstore.erasure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CessFileTest {
    private static final int MIB = 1 << 20;

    @Test
    void a_file_of_33_mib_is_two_segments_of_which_any_four_fragments_restore_each() throws Exception {
        byte[] file = new byte[33 * MIB];
        new Random(33).nextBytes(file);
        List<@Nullable ByteBuffer> fragments = new ArrayList<>();
        CessFile cess = CessFile.compute(new ByteArrayInputStream(file), (segment, fragment, hash, bytes) -> {
            if (segment == 1) {
                fragments.add(ByteBuffer.allocate(bytes.remaining()).put(bytes).flip());
            }
        });
        assertThat(cess.segments())
                .hasSize(2)
                .allSatisfy(segment -> assertThat(segment.fragments()).hasSize(12));
        byte[] padded = Arrays.copyOf(file, 64 * MIB);
        String first = sha256(padded, 0, 32 * MIB);
        String second = sha256(padded, 32 * MIB, 32 * MIB);
        assertThat(cess.segments().stream().map(CessFile.Segment::hash)).containsExactly(first, second);
        byte[] pair = HexFormat.of().parseHex(first + second);
        assertThat(cess.fid()).isEqualTo(sha256(pair, 0, pair.length));
        assertThat(cess.segments().get(1).fragments().get(3)).isEqualTo(ZERO_FRAGMENT);

        for (int lost : new int[] {0, 1, 2, 3, 5, 7, 8, 11}) {
            fragments.set(lost, null);
        }
        assertThat(cess.restore(1, fragments)).isEqualTo(ByteBuffer.wrap(padded, 32 * MIB, 32 * MIB));
        fragments.set(4, null);
        assertThatThrownBy(() -> cess.restore(1, fragments))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_DATA))
                .hasMessageContaining("segment 1 (" + second);
        assertThatThrownBy(() -> cess.restore(0, Collections.nCopies(12, ByteBuffer.allocate(8 * MIB))))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }

    /** SHA-256 of 8 MiB of zeros: what CESS calls its empty fragment. */
    private static final String ZERO_FRAGMENT = zeroFragment();

    private static String zeroFragment() {
        return sha256(new byte[8 * MIB], 0, 8 * MIB);
    }

    @Test
    void a_file_of_one_zero_byte_has_the_known_fragments_and_is_named_by_its_segment_twice() {
        CessFile cess = CessFile.compute(new ByteArrayInputStream(new byte[1]), (s, f, h, b) -> {});
        assertThat(cess.segments().get(0).fragments()).hasSize(12).containsOnly(ZERO_FRAGMENT);
        assertThat(ZERO_FRAGMENT).startsWith("2daeb1f3").endsWith("3e74");
        byte[] twice = HexFormat.of().parseHex(cess.segments().get(0).hash().repeat(2));
        assertThat(cess.fid()).isEqualTo(sha256(twice, 0, twice.length));
    }

    @Test
    void three_segments_pair_the_last_one_with_itself() {
        List<String> hashes = List.of("11".repeat(32), "22".repeat(32), "33".repeat(32));
        byte[] left = HexFormat.of().parseHex(hashes.get(0) + hashes.get(1));
        byte[] right = HexFormat.of().parseHex(hashes.get(2).repeat(2));
        byte[] top = HexFormat.of().parseHex(sha256(left, 0, 64) + sha256(right, 0, 64));
        assertThat(CessFile.fid(hashes)).isEqualTo(sha256(top, 0, 64));
    }

    @Test
    void an_empty_file_has_no_name() {
        assertThatThrownBy(() -> CessFile.compute(new ByteArrayInputStream(new byte[0]), (s, f, h, b) -> {}))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_DATA));
    }

    private static String sha256(byte[] bytes, int offset, int length) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(bytes, offset, length);
            return HexFormat.of().formatHex(digest.digest());
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
