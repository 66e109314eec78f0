package io.ppiofs.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class KeysTest {
    private static final HexFormat HEX = HexFormat.of();

    /** RFC 8032, section 7.1, test 3. */
    @Test
    void signsLikeTheStandard() {
        SigningKey key = new SigningKey(
                Secret.of(HEX.parseHex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")));
        byte[] message = HEX.parseHex("af82");
        byte[] signature = key.sign(message);
        assertThat(HEX.formatHex(key.publicKey().bytes()))
                .isEqualTo("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        assertThat(HEX.formatHex(signature))
                .isEqualTo("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
        assertThat(key.publicKey().verify(message, signature)).isTrue();
        assertThat(key.publicKey().verify(new byte[2], signature)).isFalse();
        assertThat(key.publicKey().verify(message, new byte[63])).isFalse();
        // a key of small order would accept signatures over anything
        assertThat(Ed25519PublicKey.of(new byte[32]).verify(message, signature)).isFalse();
    }

    /** RFC 8452, appendix C.2. */
    @Test
    void sealsLikeTheStandard() {
        byte[] key = new byte[32];
        key[0] = 1;
        byte[] nonce = new byte[12];
        nonce[0] = 3;
        byte[] sealed = Aead.seal(key, nonce, new byte[0], HEX.parseHex("0100000000000000"));
        assertThat(HEX.formatHex(sealed)).isEqualTo("c2ef328e5c71c83b843122130f7364b761e0b97427e3df28");
        assertThat(Aead.open(key, nonce, new byte[0], sealed)).isEqualTo(HEX.parseHex("0100000000000000"));
        assertThat(Aead.open(key, nonce, new byte[1], sealed)).isNull();
        assertThat(Aead.open(key, nonce, new byte[0], new byte[15])).isNull();
    }

    @Test
    void anEpochDerivesEarlierOnesOnly() {
        Capability.ReadOnly ten = Fixed.RW.readOnly(10);
        VolumeKeys owner = Fixed.SECRETS.keys();
        VolumeKeys reader = VolumeKeys.of(ten, null);
        for (int e = 0; e <= 10; e++) {
            assertThat(reader.contentKey(e)).isEqualTo(owner.contentKey(e));
            assertThat(reader.headKey(e)).isEqualTo(owner.headKey(e));
            assertThat(reader.verifyKey(e)).isEqualTo(owner.verifyKey(e));
        }
        assertThat(owner.contentKey(11)).isNotEqualTo(owner.contentKey(10));
        assertThatThrownBy(() -> reader.contentKey(11)).satisfies(e -> kind(e, ErrorKind.WRONG_KEY));
        assertThatThrownBy(() -> reader.advanceTo(11)).satisfies(e -> kind(e, ErrorKind.WRONG_KEY));
        assertThat(owner.contentKey(Capability.MAX_EPOCHS - 1)).hasSize(32);
        assertThatThrownBy(() -> owner.contentKey(Capability.MAX_EPOCHS)).satisfies(e -> kind(e, ErrorKind.WRONG_KEY));
        assertThatThrownBy(() -> owner.contentKey(-1)).satisfies(e -> kind(e, ErrorKind.WRONG_KEY));
    }

    @Test
    void namespaceKeysAreTheSameInEveryEpochAndAllKeysDiffer() {
        VolumeKeys owner = Fixed.SECRETS.keys();
        VolumeKeys reader = VolumeKeys.of(Fixed.RW.readOnly(0), null);
        assertThat(reader.nameKey()).isEqualTo(owner.nameKey()).hasSize(16);
        assertThat(reader.levelKey()).isEqualTo(owner.levelKey()).hasSize(16).isNotEqualTo(owner.nameKey());
        assertThat(owner.currentEpoch()).isEqualTo(3);
        assertThat(List.of(
                        HEX.formatHex(owner.contentKey(3)),
                        HEX.formatHex(owner.headKey(3)),
                        HEX.formatHex(owner.verifyKey(3).bytes()),
                        HEX.formatHex(owner.journalKey()),
                        HEX.formatHex(owner.seenKey())))
                .doesNotHaveDuplicates();
        assertThatThrownBy(reader::journalKey).isInstanceOf(NullPointerException.class);
        VolumeKeys other = VolumeKeys.of(new Capability.ReadWrite(Fixed.secret(99)), 3, Fixed.WRITER_KEY);
        assertThat(other.nameKey()).isNotEqualTo(owner.nameKey());
        assertThat(other.journalKey()).isNotEqualTo(owner.journalKey());
    }

    @Test
    void keysAdvanceAndNeverGoBack() {
        VolumeKeys keys = Fixed.SECRETS.keys();
        keys.advanceTo(9);
        keys.advanceTo(4);
        assertThat(keys.currentEpoch()).isEqualTo(9);
    }

    @Test
    void derivedKeysAreThoseOfTheFormat() {
        VolumeKeys keys = Fixed.SECRETS.keys();
        String actual = String.join(
                "\n",
                "volume-id " + keys.volumeId(),
                "content-0 " + HEX.formatHex(keys.contentKey(0)),
                "content-3 " + HEX.formatHex(keys.contentKey(3)),
                "head-3 " + HEX.formatHex(keys.headKey(3)),
                "verify-3 " + HEX.formatHex(keys.verifyKey(3).bytes()),
                "names " + HEX.formatHex(keys.nameKey()),
                "levels " + HEX.formatHex(keys.levelKey()),
                "seen " + HEX.formatHex(keys.seenKey()),
                "journal " + HEX.formatHex(keys.journalKey()));
        assertThat(actual).isEqualTo(Fixed.golden("keys.txt", actual));
    }

    @Test
    void noSecretIsPrinted() {
        String root = HEX.formatHex(Fixed.RW.root().bytes());
        for (Object o : List.of(
                Fixed.RW,
                Fixed.RW.readOnly(1),
                Fixed.RW.readOnly(1).verify(),
                Fixed.SECRETS,
                Fixed.SECRETS.keys(),
                Fixed.WRITER_KEY,
                Fixed.RW.owner(),
                new Protection.Passphrase("secret words".toCharArray()))) {
            assertThat(o.toString())
                    .doesNotContain(root)
                    .doesNotContain("ppiofs:rw")
                    .doesNotContain(Fixed.RW.text().substring(10))
                    .doesNotContain("secret words")
                    .doesNotContain(HEX.formatHex(Fixed.WRITER_KEY.seed().bytes()));
        }
    }

    static void kind(Throwable e, ErrorKind kind) {
        assertThat(e).isInstanceOf(PpiofsException.class);
        assertThat(((PpiofsException) e).kind()).as(e.getMessage()).isEqualTo(kind);
        assertThat(e.getMessage()).as("one sentence").doesNotContain("\n").doesNotContain("null");
    }
}
