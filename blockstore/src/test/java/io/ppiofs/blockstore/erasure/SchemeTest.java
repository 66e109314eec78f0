package io.ppiofs.blockstore.erasure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("quick")
class SchemeTest {
    @ParameterizedTest
    @ValueSource(strings = {"1", "3", "10", "2+1", "4+2", "4+8", "2+12", "32+32", "62+2"})
    void schemes_read_what_they_print(String text) {
        assertThat(Scheme.parse(text)).hasToString(text);
        assertThat(text.length()).isLessThanOrEqualTo(Scheme.MAX_TEXT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "0", "11", "x", "4+", "+2", "0+2", "1+2", "4+0", "2+13", "33+32", "65+1", "4+2+1", "-3", "100"
            })
    void what_is_no_scheme_is_refused_with_a_sentence(String text) {
        assertThatThrownBy(() -> Scheme.parse(text))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("K+M");
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "3, 3", "10, 10", "4+1, 3", "4+2, 3", "8+4, 5", "10+20, 10"})
    void open_groups_survive_as_much_as_the_code_and_two_failures_at_least(String scheme, int copies) {
        assertThat(Scheme.parse(scheme).whileOpen()).isEqualTo(Scheme.copies(copies));
    }
}
