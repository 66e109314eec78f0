package io.ppiofs.blockstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CidTest {
    @Test
    void namesAreThoseOfOtherIpfsTools() {
        assertThat(Cid.of(ByteBuffer.allocate(0)))
                .hasToString("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
        assertThat(Cid.of(ByteBuffer.wrap("hello world".getBytes(StandardCharsets.UTF_8))))
                .hasToString("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e");
    }

    @Test
    void everyFormComesBack() {
        Random random = new Random(7);
        for (int i = 0; i < 1000; i++) {
            byte[] digest = new byte[32];
            random.nextBytes(digest);
            Cid cid = Cid.ofDigest(digest);
            assertThat(Cid.parse(cid.toString())).isEqualTo(cid);
            assertThat(Cid.fromBytes(cid.toBytes())).isEqualTo(cid);
            assertThat(cid.digest()).isEqualTo(digest);
            ByteBuffer little = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
            cid.writeDigest(little);
            assertThat(little.array()).isEqualTo(digest);
            assertThat(Cid.readDigest(little.flip())).isEqualTo(cid);
        }
    }

    @Test
    void orderIsThatOfUnsignedDigestBytes() {
        Cid low = Cid.ofWords(1, 0, 0, 0);
        Cid high = Cid.ofWords(-1, 0, 0, 0);
        assertThat(low).isLessThan(high);
        assertThat(Cid.ofWords(1, 0, 0, -1)).isGreaterThan(low);
    }

    @Test
    void otherNamesAreRefused() {
        String good = Cid.of(ByteBuffer.allocate(3)).toString();
        assertThatThrownBy(() -> Cid.parse("Qm" + good)).isInstanceOf(PpiofsException.class);
        assertThatThrownBy(() -> Cid.parse("bafybei" + good.substring(7))).isInstanceOf(PpiofsException.class);
        assertThatThrownBy(() -> Cid.parse(good.toUpperCase(java.util.Locale.ROOT)))
                .isInstanceOf(PpiofsException.class);
        char last = good.charAt(58);
        String aliased = good.substring(0, 58) + (char) (last == 'z' ? 'y' : last + 1);
        assertThatThrownBy(() -> Cid.parse(aliased)).isInstanceOf(PpiofsException.class);
        assertThatThrownBy(() -> Cid.fromBytes(new byte[36])).isInstanceOf(PpiofsException.class);
    }
}
