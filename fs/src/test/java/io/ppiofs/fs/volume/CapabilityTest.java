package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import java.util.List;
import org.junit.jupiter.api.Test;

class CapabilityTest {
    private final Capability.ReadOnly ro = Fixed.RW.readOnly(3);
    private final List<Capability> all = List.of(Fixed.RW, ro, ro.verify());

    @Test
    void textsAreThoseOfTheFormat() {
        String actual = String.join("\n", all.stream().map(Capability::text).toList());
        assertThat(actual).isEqualTo(Fixed.golden("capabilities.txt", actual));
    }

    @Test
    void textsComeBack() {
        for (Capability c : all) {
            assertThat(Capability.parse("  " + c.text() + "\n")).isEqualTo(c);
            assertThat(Capability.parse(c.text()).volumeId()).isEqualTo(Fixed.RW.volumeId());
        }
    }

    @Test
    void eachGivesTheNextAndHasNothingOfTheOneBefore() {
        assertThat(ro.verify().verifyKey()).isEqualTo(Fixed.SECRETS.keys().verifyKey(3));
        assertThat(ro.text()).doesNotContain(Fixed.RW.text().substring(12, 60));
        assertThat(ro.verify().text()).doesNotContain(ro.text().substring(70));
    }

    @Test
    void everyChangedCharacterIsNoticed() {
        for (Capability c : all) {
            String text = c.text();
            for (int i = 0; i < text.length(); i++) {
                char other = text.charAt(i) == 'q' ? 'r' : 'q';
                String changed = text.substring(0, i) + other + text.substring(i + 1);
                assertThatThrownBy(() -> Capability.parse(changed))
                        .as("character %d", i)
                        .satisfies(e -> KeysTest.kind(e, ErrorKind.INVALID))
                        .hasMessageNotContaining(text.substring(20));
            }
            for (int i = 0; i < text.length(); i++) {
                String cut = text.substring(0, i);
                assertThatThrownBy(() -> Capability.parse(cut)).satisfies(e -> KeysTest.kind(e, ErrorKind.INVALID));
            }
        }
    }

    @Test
    void oneKindIsNotTakenForAnother() {
        String asVerify = ro.text().replace("ppiofs:ro:", "ppiofs:verify:");
        assertThatThrownBy(() -> Capability.parse(asVerify)).satisfies(e -> KeysTest.kind(e, ErrorKind.INVALID));
    }
}
