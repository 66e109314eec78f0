package io.ppiofs.base32;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.cbor.MalformedException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Base32Test {
    @Test
    void base32HasOneTextPerByteString() throws MalformedException {
        Random random = new Random(32);
        for (int length = 0; length < 70; length++) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            assertThat(Base32.decode(Base32.encode(bytes))).isEqualTo(bytes);
        }
        // RFC 4648, section 10, in lower case and unpadded
        assertThat(Base32.encode("foobar".getBytes(java.nio.charset.StandardCharsets.US_ASCII)))
                .isEqualTo("mzxw6ytboi");
        for (String bad : List.of("mz=", "MZ", "a", "aaa", "mzxw6yt1", "mzxx", "ab")) {
            assertThatThrownBy(() -> Base32.decode(bad)).as(bad).isInstanceOf(MalformedException.class);
        }
    }
}
