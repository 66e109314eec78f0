package io.ppiofs.base32;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.cbor.MalformedException;
import org.junit.jupiter.api.Test;

class CheckedTextTest {
    private static final CheckedText KIND = new CheckedText("kind:", 100);

    @Test
    void whatIsPrintedIsReadAndEverySingleSlipIsFound() throws Exception {
        byte[] body = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        String text = KIND.print(body);
        assertThat(text).startsWith("kind:");
        assertThat(KIND.read("  " + text + "\n")).isEqualTo(body);
        assertThat(KIND.read(KIND.print(new byte[0]))).isEmpty();
        for (int i = KIND.prefix().length(); i < text.length(); i++) {
            String other = text.substring(0, i) + (text.charAt(i) == 'a' ? 'b' : 'a') + text.substring(i + 1);
            String shorter = text.substring(0, i) + text.substring(i + 1);
            assertThatThrownBy(() -> KIND.read(other)).isInstanceOf(MalformedException.class);
            assertThatThrownBy(() -> KIND.read(shorter)).isInstanceOf(MalformedException.class);
        }
    }

    @Test
    void otherKindsAndWhatIsTooLongOrTooShortIsRefused() {
        for (String text : new String[] {"kind:", "kind:aa", "other:aaaaaaaaaa", KIND.print(new byte[100]), ""}) {
            assertThatThrownBy(() -> KIND.read(text)).isInstanceOf(MalformedException.class);
        }
    }
}
