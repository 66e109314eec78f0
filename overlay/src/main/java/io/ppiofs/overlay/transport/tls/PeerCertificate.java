package io.ppiofs.overlay.transport.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PublicKey;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A self-signed P-256 certificate with the libp2p extension, and its key. The extension (1.3.6.1.4.1.53594.1.1) holds the
 * peer's public key and its signature over the certificate's key.
 */
public record PeerCertificate(PrivateKey key, X509Certificate certificate) {
    private static final ASN1ObjectIdentifier OID = new ASN1ObjectIdentifier("1.3.6.1.4.1.53594.1.1");
    private static final String SIGNATURE_PREFIX = "libp2p-tls-handshake:";
    private static final Duration BEFORE = Duration.ofHours(1);
    private static final Duration AFTER = Duration.ofDays(36_500);

    /** Makes a certificate for {@code identity}, valid from one hour ago for a hundred years. */
    public static PeerCertificate generate(IdentityKey identity, SecureRandom random) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"), random);
            KeyPair pair = generator.generateKeyPair();
            Instant now = Instant.now();
            X500Name name = new X500Name("SERIALNUMBER=" + new BigInteger(63, random));
            byte[] signature = identity.sign(signedBytes(pair.getPublic().getEncoded()));
            X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                    name,
                    new BigInteger(63, random).add(BigInteger.ONE),
                    ParsedCertificate.time(now.minus(BEFORE)),
                    ParsedCertificate.time(now.plus(AFTER)),
                    name,
                    SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded()));
            builder.addExtension(OID, false, new DERSequence(new ASN1Encodable[] {
                new DEROctetString(identity.publicKey().toBytes()), new DEROctetString(signature)
            }));
            byte[] encoded = builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate()))
                    .getEncoded();
            return new PeerCertificate(pair.getPrivate(), parse(encoded));
        } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
            throw new IllegalStateException("every Java platform has P-256", e);
        }
    }

    private static X509Certificate parse(byte[] der) throws CertificateException {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }

    /**
     * Checks a chain as received: one certificate, valid now, signed by itself, extension present and signed by the peer.
     * Only the encoded form is used: the platform's parser refuses certificates without names, which others send.
     *
     * @return the peer's key
     * @throws CertificateException if anything of that is not so
     */
    public static PublicKey verify(X509Certificate[] chain) throws CertificateException {
        if (chain.length != 1) {
            throw new CertificateException("a chain of " + chain.length + " certificates, not of one");
        }
        return verify(chain[0].getEncoded());
    }

    /** The same for one certificate in DER. */
    public static PublicKey verify(byte[] der) throws CertificateException {
        ParsedCertificate certificate = ParsedCertificate.parse(der);
        certificate.requireValidAt(Instant.now());
        certificate.requireSelfSigned();
        certificate.refuseUnknownCritical(OID);
        SignedKey signed = signedKey(certificate);
        if (!signed.key.verify(signedBytes(certificate.publicKey()), signed.signature)) {
            throw new CertificateException("the peer's key did not sign the certificate's key");
        }
        return signed.key;
    }

    /** The peer's key of a certificate that was checked before. */
    public static PublicKey peerKey(X509Certificate certificate) throws CertificateException {
        return signedKey(ParsedCertificate.parse(certificate.getEncoded())).key;
    }

    private record SignedKey(PublicKey key, byte[] signature) {}

    private static SignedKey signedKey(ParsedCertificate certificate) throws CertificateException {
        Extension extension = certificate.extension(OID);
        if (extension == null) {
            throw new CertificateException("the libp2p extension is missing");
        }
        try {
            ASN1Sequence pair = ASN1Sequence.getInstance(extension.getParsedValue());
            if (pair.size() != 2) {
                throw new CertificateException("the libp2p extension has " + pair.size() + " fields, not 2");
            }
            return new SignedKey(PublicKey.parse(octets(pair.getObjectAt(0))), octets(pair.getObjectAt(1)));
        } catch (IllegalArgumentException | PpiofsException e) {
            throw new CertificateException("the libp2p extension is malformed", e);
        }
    }

    private static byte[] octets(ASN1Encodable value) {
        return ASN1OctetString.getInstance(value).getOctets();
    }

    private static byte[] signedBytes(byte[] subjectPublicKeyInfo) {
        byte[] prefix = SIGNATURE_PREFIX.getBytes(US_ASCII);
        byte[] out = Arrays.copyOf(prefix, prefix.length + subjectPublicKeyInfo.length);
        System.arraycopy(subjectPublicKeyInfo, 0, out, prefix.length, subjectPublicKeyInfo.length);
        return out;
    }

    /** Without the key. */
    @Override
    public String toString() {
        return "certificate " + certificate.getSerialNumber();
    }
}
