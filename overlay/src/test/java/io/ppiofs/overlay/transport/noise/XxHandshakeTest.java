package io.ppiofs.overlay.transport.noise;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.io.BaseEncoding;
import io.ppiofs.overlay.transport.noise.XxHandshake.KeyPair;
import io.ppiofs.overlay.transport.noise.XxHandshake.TransportKeys;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;

class XxHandshakeTest {
    private static final byte[] NONE = new byte[0];

    /** Payloads and ciphertexts in turn, the initiator's first; the Noise test vector "cacophony" of this pattern. */
    private static final String[][] CACOPHONY = {
        {
            "4c756477696720766f6e204d69736573",
            "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573"
        },
        {
            "4d757272617920526f746862617264",
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326ad"
        },
        {
            "462e20412e20486179656b",
            "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030"
        },
        {"4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"},
        {"4a65616e2d426170746973746520536179", "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5"},
        {
            "457567656e2042f6686d20766f6e2042617765726b",
            "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f"
        }
    };

    @Test
    void theHandshakeMatchesThePublishedVector() throws GeneralSecurityException {
        byte[] prologue = hex("4a6f686e2047616c74");
        XxHandshake initiator = new XxHandshake(
                true,
                pair("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"),
                pair("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"),
                prologue);
        XxHandshake responder = new XxHandshake(
                false,
                pair("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"),
                pair("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"),
                prologue);
        for (int i = 0; i < 3; i++) {
            XxHandshake from = i % 2 == 0 ? initiator : responder;
            XxHandshake to = i % 2 == 0 ? responder : initiator;
            byte[] message = from.write(hex(CACOPHONY[i][0]));
            assertThat(message).isEqualTo(hex(CACOPHONY[i][1]));
            assertThat(to.read(message)).isEqualTo(hex(CACOPHONY[i][0]));
        }
        TransportKeys first = initiator.split();
        TransportKeys second = responder.split();
        for (int i = 3; i < CACOPHONY.length; i++) {
            AeadKey send = i % 2 == 0 ? first.send() : second.send();
            AeadKey receive = i % 2 == 0 ? second.receive() : first.receive();
            byte[] sealed = send.encrypt(NONE, hex(CACOPHONY[i][0]));
            assertThat(sealed).isEqualTo(hex(CACOPHONY[i][1]));
            assertThat(receive.decrypt(NONE, sealed)).isEqualTo(hex(CACOPHONY[i][0]));
        }
    }

    @Test
    void aChangedMessageIsRefused() throws GeneralSecurityException {
        SecureRandom random = new SecureRandom();
        XxHandshake initiator = new XxHandshake(true, KeyPair.generate(random), KeyPair.generate(random), NONE);
        XxHandshake responder = new XxHandshake(false, KeyPair.generate(random), KeyPair.generate(random), NONE);
        responder.read(initiator.write(NONE));
        byte[] second = responder.write("payload".getBytes(UTF_8));
        second[second.length - 1] ^= 1;
        assertThatThrownBy(() -> initiator.read(second)).isInstanceOf(GeneralSecurityException.class);
    }

    @Test
    void aKeyOfSmallOrderAndAShortMessageAreRefused() throws GeneralSecurityException {
        SecureRandom random = new SecureRandom();
        XxHandshake responder = new XxHandshake(false, KeyPair.generate(random), KeyPair.generate(random), NONE);
        responder.read(new byte[32]);
        assertThatThrownBy(() -> responder.write(NONE)).isInstanceOf(GeneralSecurityException.class);
        XxHandshake other = new XxHandshake(false, KeyPair.generate(random), KeyPair.generate(random), NONE);
        assertThatThrownBy(() -> other.read(new byte[31])).isInstanceOf(GeneralSecurityException.class);
    }

    private static KeyPair pair(String secret) {
        return KeyPair.ofSecret(hex(secret));
    }

    private static byte[] hex(String text) {
        return BaseEncoding.base16().lowerCase().decode(text);
    }
}
