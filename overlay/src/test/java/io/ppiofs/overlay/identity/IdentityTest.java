package io.ppiofs.overlay.identity;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.wire.IdentityWire;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.signers.ECDSASigner;
import org.junit.jupiter.api.Test;

class IdentityTest {
    private static final HexFormat HEX = HexFormat.of();

    /** Vector of the libp2p specification "peer-ids". */
    private static final String ED25519_PRIVATE =
            "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3"
                    + "b34b871c3cacf6010f0e42d474fce27e";

    private static final String ED25519_PUBLIC =
            "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";

    /** The same vector's peer id as other implementations print it. */
    private static final String ED25519_PEER = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq";

    private static final byte[] MESSAGE = "a message".getBytes(UTF_8);

    @Test
    void theSpecificationsEd25519KeyIsReadAndWritten() {
        IdentityKey key = IdentityKey.parse(HEX.parseHex(ED25519_PRIVATE));
        assertThat(key.publicKey().toBytes()).isEqualTo(HEX.parseHex(ED25519_PUBLIC));
        assertThat(key.toBytes()).isEqualTo(HEX.parseHex(ED25519_PRIVATE));
        assertThat(key.peerId()).hasToString(ED25519_PEER);
        assertThat(PeerId.parse(ED25519_PEER)).isEqualTo(key.peerId());
        assertThat(key.peerId().inlineKey()).isEqualTo(key.publicKey());
    }

    @Test
    void anEcdsaKeyOfTheSpecificationHasAHashedPeerId() {
        PublicKey key =
                PublicKey.parse(HEX.parseHex("0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d"
                        + "300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a5"
                        + "97fb4dcec034e9f77c409e62"));
        PeerId peer = PeerId.of(key);
        assertThat(peer.toString()).startsWith("Qm").hasSize(46);
        assertThat(PeerId.parse(peer.toString())).isEqualTo(peer);
        assertThat(peer.inlineKey()).isNull();
        assertThat(peer.names(key)).isTrue();
    }

    @Test
    void theCidTextOfAPeerIsRead() {
        // CIDv1, codec libp2p-key, of the peer above in base32: bafzaajaiaejc… by definition of the encoding
        byte[] multihash = PeerId.parse(ED25519_PEER).toBytes();
        byte[] cid = new byte[multihash.length + 2];
        cid[0] = 1;
        cid[1] = 0x72;
        System.arraycopy(multihash, 0, cid, 2, multihash.length);
        String text = "b"
                + com.google.common.io.BaseEncoding.base32()
                        .lowerCase()
                        .omitPadding()
                        .encode(cid);
        assertThat(text).startsWith("bafzaajaiaejc");
        assertThat(PeerId.parse(text)).hasToString(ED25519_PEER);
    }

    @Test
    void malformedPeerIdsAreRefusedInOneSentence() {
        for (String bad : List.of(
                "",
                "1",
                "12D3Koo",
                "Qm",
                "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
                "0OIl",
                ED25519_PEER + "x",
                "x".repeat(10_000))) {
            assertThatThrownBy(() -> PeerId.parse(bad))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
        }
        assertThatThrownBy(() -> PeerId.fromBytes(new byte[] {0, 5, 1})).isInstanceOf(PpiofsException.class);
    }

    @Test
    void base58KeepsLeadingZerosAndAnyBytes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 500; i++) {
            byte[] bytes = new byte[1 + random.nextInt(40)];
            random.nextBytes(bytes);
            java.util.Arrays.fill(bytes, 0, random.nextInt(bytes.length), (byte) 0);
            assertThat(Base58.decode(Base58.encode(bytes), 40))
                    .as("seed %d", seed)
                    .isEqualTo(bytes);
        }
        assertThat(Base58.encode("Hello World!".getBytes(UTF_8))).isEqualTo("2NEpo7TZRRrLZSi2U");
    }

    @Test
    void ed25519SignaturesHoldForTheirMessageOnly() {
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        byte[] signature = key.sign(MESSAGE);
        assertThat(key.publicKey().verify(MESSAGE, signature)).isTrue();
        assertThat(key.publicKey().verify("another".getBytes(UTF_8), signature)).isFalse();
        signature[3] ^= 1;
        assertThat(key.publicKey().verify(MESSAGE, signature)).isFalse();
        assertThat(key.publicKey().verify(MESSAGE, new byte[3])).isFalse();
    }

    @Test
    void ecdsaAndRsaKeysOfOthersAreVerified() throws Exception {
        KeyPairGenerator ec = KeyPairGenerator.getInstance("EC");
        ec.initialize(new ECGenParameterSpec("secp256r1"));
        checkJca(ec.generateKeyPair(), IdentityWire.KeyType.ECDSA, "SHA256withECDSA");
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        checkJca(rsa.generateKeyPair(), IdentityWire.KeyType.RSA, "SHA256withRSA");
    }

    private static void checkJca(KeyPair pair, IdentityWire.KeyType type, String algorithm) throws Exception {
        PublicKey key = PublicKey.parse(IdentityWire.PublicKey.newBuilder()
                .setType(type)
                .setData(ByteString.copyFrom(pair.getPublic().getEncoded()))
                .build()
                .toByteArray());
        Signature signer = Signature.getInstance(algorithm);
        signer.initSign(pair.getPrivate());
        signer.update(MESSAGE);
        byte[] signature = signer.sign();
        assertThat(key.verify(MESSAGE, signature)).isTrue();
        assertThat(key.verify("another".getBytes(UTF_8), signature)).isFalse();
        assertThat(key.verify(MESSAGE, new byte[] {1, 2, 3})).isFalse();
    }

    @Test
    void secp256k1KeysOfOthersAreVerified() throws Exception {
        ECDomainParameters curve = new ECDomainParameters(CustomNamedCurves.getByName("secp256k1"));
        // the secret of the specification's vector, its public half is checked against the vector's
        BigInteger secret = new BigInteger("53DADF1D5A164D6B4ACDB15E24AA4C5B1D3461BDBD42ABEDB0A4404D56CED8FB", 16);
        byte[] point = curve.getG().multiply(secret).getEncoded(true);
        PublicKey key = PublicKey.parse(
                HEX.parseHex("08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"));
        assertThat(key.data()).isEqualTo(point);
        ECDSASigner signer = new ECDSASigner();
        signer.init(true, new ECPrivateKeyParameters(secret, curve));
        BigInteger[] rs =
                signer.generateSignature(MessageDigest.getInstance("SHA-256").digest(MESSAGE));
        ASN1EncodableVector pair = new ASN1EncodableVector();
        pair.add(new ASN1Integer(rs[0]));
        pair.add(new ASN1Integer(rs[1]));
        byte[] signature = new DERSequence(pair).getEncoded();
        assertThat(key.verify(MESSAGE, signature)).isTrue();
        assertThat(key.verify("another".getBytes(UTF_8), signature)).isFalse();
        assertThat(key.verify(MESSAGE, new byte[] {0x30, 0})).isFalse();
    }

    @Test
    void anEnvelopeOpensInItsDomainAndTypeOnly() {
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        byte[] type = {1, 2};
        byte[] sealed = Envelope.seal(key, "domain", type, MESSAGE).toBytes();
        assertThat(Envelope.open(sealed, "domain", type).payload()).isEqualTo(MESSAGE);
        assertThat(Envelope.open(sealed, "domain", type).signer()).isEqualTo(key.publicKey());
        assertThatThrownBy(() -> Envelope.open(sealed, "other", type)).hasMessageContaining("signature");
        assertThatThrownBy(() -> Envelope.open(sealed, "domain", new byte[] {1}))
                .hasMessageContaining("type");
        for (int i = 0; i < sealed.length; i++) {
            byte[] broken = sealed.clone();
            broken[i] ^= 0x01;
            assertThatThrownBy(() -> Envelope.open(broken, "domain", type))
                    .as("byte %d", i)
                    .isInstanceOf(PpiofsException.class);
        }
    }

    @Test
    void aPeerRecordIsItsOwnPeersOnly() {
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        IdentityKey other = IdentityKey.generate(new SecureRandom());
        PeerRecord record = new PeerRecord(key.peerId(), 7, List.of(Multiaddr.parse("/ip4/192.0.2.1/tcp/4001")));
        assertThat(PeerRecord.open(record.seal(key).toBytes())).isEqualTo(record);
        assertThatThrownBy(() -> record.seal(other)).isInstanceOf(IllegalArgumentException.class);
        byte[] payload = IdentityWire.PeerRecord.newBuilder()
                .setPeerId(ByteString.copyFrom(key.peerId().toBytes()))
                .setSeq(8)
                .build()
                .toByteArray();
        byte[] forged = Envelope.seal(other, PeerRecord.DOMAIN, new byte[] {3, 1}, payload)
                .toBytes();
        assertThatThrownBy(() -> PeerRecord.open(forged)).hasMessageContaining("another peer");
    }
}
