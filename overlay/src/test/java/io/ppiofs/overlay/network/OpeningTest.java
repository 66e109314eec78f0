package io.ppiofs.overlay.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class OpeningTest {
    @Test
    void the_newest_common_version_and_the_common_features_are_agreed() {
        Opening old = opening(1, 2, List.of("resume", "credit"), List.of("credit"));
        Opening recent = opening(2, 4, List.of("credit", "hedge"), List.of());
        Opening.Agreement agreement = old.agree(recent, "blocks");
        assertThat(agreement).isEqualTo(recent.agree(old, "blocks"));
        assertThat(agreement.version()).isEqualTo(2);
        assertThat(agreement.has("credit")).isTrue();
        assertThat(agreement.has("resume")).isFalse();
    }

    @Test
    void a_critical_feature_that_one_side_lacks_is_a_refusal_on_both_sides() {
        Opening plain = Opening.of(1);
        Opening strict = opening(1, 1, List.of("grants"), List.of("grants"));
        assertRefused(() -> plain.agree(strict, "blocks"), ErrorKind.NOT_SUPPORTED);
        assertRefused(() -> strict.agree(plain, "blocks"), ErrorKind.NOT_SUPPORTED);
    }

    @Test
    void versions_that_do_not_meet_are_a_refusal() {
        Opening one = Opening.of(1);
        Opening two = Opening.of(2);
        assertRefused(() -> one.agree(two, "blocks"), ErrorKind.NOT_SUPPORTED);
        assertRefused(() -> two.agree(one, "blocks"), ErrorKind.NOT_SUPPORTED);
    }

    @Test
    void the_encoding_is_that_of_the_format() {
        Opening opening = opening(1, 3, List.of("credit", "resume"), List.of("credit"));
        byte[] encoded = opening.encode();
        assertThat(HexFormat.of().formatHex(encoded)).isEqualTo(Golden.hex("opening", encoded));
        assertThat(Opening.decode(encoded)).isEqualTo(opening);
    }

    @Test
    void fields_of_later_versions_mean_nothing() {
        CborMap.Builder later = CborMap.builder().put(9, CborSimple.TRUE);
        for (Map.Entry<Cbor, Cbor> field : Opening.of(1).toCbor().entries().entrySet()) {
            later.put(((CborInt) field.getKey()).value(), field.getValue());
        }
        assertThat(Opening.decode(CborEncoder.encode(later.build()))).isEqualTo(Opening.of(1));
    }

    @Test
    void what_is_no_opening_is_corrupt() {
        byte[] good = opening(1, 3, List.of("credit"), List.of()).encode();
        for (int length = 0; length < good.length; length++) {
            byte[] cut = Arrays.copyOf(good, length);
            assertRefused(() -> Opening.decode(cut), ErrorKind.CORRUPT);
        }
        assertRefused(() -> Opening.decode(new byte[Opening.MAX_ENCODED + 1]), ErrorKind.CORRUPT);
        CborMap.Builder backwards = CborMap.builder()
                .put(1, 2)
                .put(2, 1)
                .put(3, new CborArray(List.of()))
                .put(4, new CborArray(List.of()));
        assertRefused(() -> Opening.decode(CborEncoder.encode(backwards.build())), ErrorKind.CORRUPT);
    }

    private static Opening opening(int oldest, int newest, List<String> features, List<String> critical) {
        return new Opening(oldest, newest, new TreeSet<>(features), new TreeSet<>(critical));
    }

    private static void assertRefused(Runnable action, ErrorKind kind) {
        assertThatThrownBy(action::run)
                .isInstanceOf(PpiofsException.class)
                .extracting(e -> ((PpiofsException) e).kind())
                .isEqualTo(kind);
    }
}
