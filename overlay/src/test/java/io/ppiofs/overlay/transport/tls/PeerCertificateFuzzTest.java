package io.ppiofs.overlay.transport.tls;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.overlay.fuzz.JsLibp2p;
import io.ppiofs.overlay.identity.IdentityKey;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

class PeerCertificateFuzzTest {
    private static final IdentityKey JS = IdentityKey.parse(JsLibp2p.bytes("key"));
    private static final IdentityKey JAVA = IdentityKey.ofSeed(new byte[32]);

    static Stream<byte[]> certificates() throws CertificateException {
        byte[] ours =
                PeerCertificate.generate(JAVA, new SecureRandom()).certificate().getEncoded();
        return Stream.of(ours, JsLibp2p.bytes("certificate"), Arrays.copyOf(ours, ours.length - 5));
    }

    @MethodSource("certificates")
    @FuzzTest(maxDuration = "60s")
    void a_certificate(byte[] bytes) {
        try {
            // the fuzzer has no key: whatever it accepts is of one of these two
            assertThat(PeerCertificate.verify(bytes)).isIn(JS.publicKey(), JAVA.publicKey());
        } catch (CertificateException refused) {
            assertThat(refused).hasMessageNotContaining("null");
        }
    }

    /** Certificates of js-libp2p and rust-libp2p have neither issuer nor subject. */
    @Test
    void a_certificate_without_names_is_taken() throws CertificateException {
        assertThat(PeerCertificate.verify(JsLibp2p.bytes("certificate"))).isEqualTo(JS.publicKey());
    }
}
