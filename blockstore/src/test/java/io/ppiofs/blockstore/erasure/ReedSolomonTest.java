package io.ppiofs.blockstore.erasure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReedSolomonTest {
    static Stream<CodingEngine> engines() {
        return Stream.concat(Stream.of(CodingEngine.java()), CodingEngine.isaL().stream());
    }

    /** Parity of the bytes 00…, 11…, worked out by hand with carry-less multiplication modulo 0x11d. */
    @ParameterizedTest
    @MethodSource("engines")
    void parity_is_what_the_cauchy_matrix_says(CodingEngine engine) {
        List<ByteBuffer> data = List.of(
                ByteBuffer.wrap(HexFormat.of().parseHex("01000080ff")),
                ByteBuffer.wrap(HexFormat.of().parseHex("00010035")),
                ByteBuffer.wrap(HexFormat.of().parseHex("000001")));
        // rows 1/(3^0) 1/(3^1) 1/(3^2) and 1/(4^0) 1/(4^1) 1/(4^2): inverses of 3 2 1 and 4 5 6
        List<ByteBuffer> parity = ReedSolomon.cauchy(3, 2, engine).encode(data);
        int[] inverse = {0, 1, 0x8e, 0xf4, 0x47, 0xa7, 0x7a};
        for (int i = 1; i < inverse.length; i++) {
            assertThat(slowProduct(i, inverse[i])).isEqualTo(1);
        }
        assertThat(hex(parity.get(0)).substring(0, 6)).isEqualTo("f48e01");
        assertThat(hex(parity.get(1)).substring(0, 6)).isEqualTo("47a77a");
        assertThat(parity.get(0).get(3) & 0xff).isEqualTo(slowProduct(0x80, 0xf4) ^ slowProduct(0x35, 0x8e));
        assertThat(parity.get(1).get(4) & 0xff).isEqualTo(slowProduct(0xff, 0x47));
    }

    private static int slowProduct(int a, int b) {
        int product = 0;
        for (int bit = 0; bit < 8; bit++) {
            if ((b >> bit & 1) != 0) {
                product ^= a << bit;
            }
        }
        for (int bit = 15; bit >= 8; bit--) {
            if ((product >> bit & 1) != 0) {
                product ^= 0x11d << (bit - 8);
            }
        }
        return product;
    }

    @Test
    void vandermonde_is_that_of_backblaze_and_klauspost() {
        // the code of 4 + 2 over single bytes; rows of the published matrix: 1b 1c 12 14, 1c 1b 14 12
        ReedSolomon code = ReedSolomon.vandermonde(4, 2, CodingEngine.java());
        List<String> rows = new ArrayList<>();
        for (int row = 0; row < 2; row++) {
            StringBuilder text = new StringBuilder();
            for (int column = 0; column < 4; column++) {
                List<ByteBuffer> unit = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    unit.add(ByteBuffer.wrap(new byte[] {(byte) (i == column ? 1 : 0)}));
                }
                text.append(hex(code.encode(unit).get(row)));
            }
            rows.add(text.toString());
        }
        assertThat(rows).containsExactly("1b1c1214", "1c1b1412");
    }

    @Test
    void one_block_has_copies_for_parity() {
        ByteBuffer block = ByteBuffer.wrap(new byte[] {1, 2, 3});
        assertThat(ReedSolomon.cauchy(1, 3).encode(List.of(block))).containsOnly(block);
    }

    @ParameterizedTest
    @MethodSource("engines")
    void restores_any_erasures_of_random_stripes(CodingEngine engine) {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 150; round++) {
            int k = 1 + random.nextInt(round % 10 == 0 ? 40 : 12);
            int m = 1 + random.nextInt(round % 10 == 0 ? 24 : 8);
            List<ByteBuffer> stripe = stripe(random, k);
            ReedSolomon code = ReedSolomon.cauchy(k, m, engine);
            int longest = stripe.stream().mapToInt(ByteBuffer::remaining).max().orElseThrow();
            List<ByteBuffer> all = new ArrayList<>(stripe);
            all.addAll(code.encode(stripe));
            assertThat(all.subList(k, k + m))
                    .as("%d+%d of %s", k, m, engine.name())
                    .isEqualTo(ReedSolomon.cauchy(k, m, CodingEngine.java()).encode(stripe));
            List<Integer> order = IntStream.range(0, k + m).boxed().collect(Collectors.toList());
            Collections.shuffle(order, random);
            int[] lost = order.subList(0, 1 + random.nextInt(m)).stream()
                    .mapToInt(Integer::intValue)
                    .toArray();
            List<@Nullable ByteBuffer> left = new ArrayList<>(all);
            Arrays.stream(lost).forEach(i -> left.set(i, null));
            int[] lengths = Arrays.stream(lost)
                    .map(i -> i < k ? all.get(i).remaining() : longest)
                    .toArray();
            List<ByteBuffer> restored = code.reconstruct(left, lost, lengths);
            for (int i = 0; i < lost.length; i++) {
                assertThat(restored.get(i))
                        .as("fragment %d of %d+%d", lost[i], k, m)
                        .isEqualTo(all.get(lost[i]));
            }
        }
    }

    /** Blocks of equal or differing lengths, some empty, on the heap or not, some read-only, some amid a larger buffer. */
    private static List<ByteBuffer> stripe(Random random, int k) {
        int most = 1 + random.nextInt(70_000);
        boolean equal = random.nextBoolean();
        List<ByteBuffer> stripe = new ArrayList<>();
        for (int i = 0; i < k; i++) {
            byte[] bytes = new byte[equal ? most : random.nextInt(most + 1)];
            random.nextBytes(bytes);
            stripe.add(
                    switch (random.nextInt(4)) {
                        case 0 -> ByteBuffer.wrap(bytes);
                        case 1 -> ByteBuffer.wrap(bytes).asReadOnlyBuffer();
                        case 2 ->
                            ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
                        default ->
                            ByteBuffer.allocateDirect(bytes.length + 7)
                                    .position(3)
                                    .put(bytes)
                                    .flip()
                                    .position(3);
                    });
        }
        return stripe;
    }

    @Test
    void too_few_fragments_are_an_error_that_says_so() {
        ReedSolomon code = ReedSolomon.cauchy(3, 2);
        List<@Nullable ByteBuffer> left = new ArrayList<>(Collections.nCopies(5, null));
        left.set(1, ByteBuffer.allocate(4));
        left.set(4, ByteBuffer.allocate(4));
        assertThatThrownBy(() -> code.reconstruct(left, new int[] {0}, new int[] {4}))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_DATA))
                .hasMessageContaining("only 2 of the 3");
    }

    private static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
