package io.ppiofs.overlay.transport.tls;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.spec.X509EncodedKeySpec;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.DERGeneralizedTime;
import org.bouncycastle.asn1.DERUTCTime;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.jspecify.annotations.Nullable;

/**
 * The parts of an X.509 certificate (RFC 5280) that matter here. A parser of our own, since the usual ones refuse
 * certificates with empty names, which js-libp2p sends.
 */
final class ParsedCertificate {
    private static final DateTimeFormatter DIGITS = DateTimeFormatter.ofPattern("uuuuMMddHHmmss");

    private static final int MAX_CERTIFICATE = 16_384;
    private static final int MAX_EXTENSIONS = 32;
    private static final int EXPLICIT_VERSION = 0;
    private static final int EXPLICIT_EXTENSIONS = 3;
    private static final String STANDARD_EXTENSIONS = "2.5.29.";

    /** The platform's names of a signature and its key. */
    private record Names(String signature, String key) {}

    /** Signatures that are accepted: all with SHA-2 or Ed25519. */
    private static final Map<ASN1ObjectIdentifier, Names> SIGNATURES = Map.of(
            X9ObjectIdentifiers.ecdsa_with_SHA256, new Names("SHA256withECDSA", "EC"),
            X9ObjectIdentifiers.ecdsa_with_SHA384, new Names("SHA384withECDSA", "EC"),
            X9ObjectIdentifiers.ecdsa_with_SHA512, new Names("SHA512withECDSA", "EC"),
            PKCSObjectIdentifiers.sha256WithRSAEncryption, new Names("SHA256withRSA", "RSA"),
            PKCSObjectIdentifiers.sha384WithRSAEncryption, new Names("SHA384withRSA", "RSA"),
            PKCSObjectIdentifiers.sha512WithRSAEncryption, new Names("SHA512withRSA", "RSA"),
            EdECObjectIdentifiers.id_Ed25519, new Names("Ed25519", "Ed25519"));

    private final ASN1Sequence body;
    private final AlgorithmIdentifier algorithm;
    private final byte[] signature;
    private final Time notBefore;
    private final Time notAfter;
    private final SubjectPublicKeyInfo key;
    private final @Nullable Extensions extensions;

    private ParsedCertificate(ASN1Sequence certificate) {
        body = ASN1Sequence.getInstance(certificate.getObjectAt(0));
        algorithm = AlgorithmIdentifier.getInstance(certificate.getObjectAt(1));
        signature = ASN1BitString.getInstance(certificate.getObjectAt(2)).getOctets();
        boolean versioned = body.getObjectAt(0) instanceof ASN1TaggedObject tag && tag.getTagNo() == EXPLICIT_VERSION;
        int first = versioned ? 1 : 0; // then: serial number, algorithm, issuer, validity, subject, key
        ASN1Sequence validity = ASN1Sequence.getInstance(body.getObjectAt(first + 3));
        notBefore = Time.getInstance(validity.getObjectAt(0));
        notAfter = Time.getInstance(validity.getObjectAt(1));
        key = SubjectPublicKeyInfo.getInstance(body.getObjectAt(first + 5));
        extensions = extensions(first + 6);
    }

    private @Nullable Extensions extensions(int from) {
        for (int i = from; i < body.size(); i++) {
            ASN1TaggedObject tagged = ASN1TaggedObject.getInstance(body.getObjectAt(i));
            if (tagged.getTagNo() == EXPLICIT_EXTENSIONS) {
                ASN1Sequence list = ASN1Sequence.getInstance(tagged, true);
                if (list.size() > MAX_EXTENSIONS) {
                    throw new IllegalArgumentException(list.size() + " extensions");
                }
                return Extensions.getInstance(list);
            }
        }
        return null;
    }

    /** @throws CertificateException if it is not a certificate */
    static ParsedCertificate parse(byte[] der) throws CertificateException {
        if (der.length > MAX_CERTIFICATE) {
            throw new CertificateException("a certificate of " + der.length + " bytes, more than " + MAX_CERTIFICATE);
        }
        try {
            return new ParsedCertificate(ASN1Sequence.getInstance(der));
        } catch (IllegalArgumentException | IllegalStateException | IndexOutOfBoundsException | ClassCastException e) {
            throw new CertificateException("the certificate is malformed", e);
        }
    }

    void requireValidAt(Instant now) throws CertificateException {
        boolean valid;
        try {
            valid = !now.isBefore(instant(notBefore)) && !now.isAfter(instant(notAfter));
        } catch (DateTimeException | IllegalStateException | StringIndexOutOfBoundsException e) {
            throw new CertificateException("the certificate's dates are malformed", e);
        }
        if (!valid) {
            throw new CertificateException("the certificate is not valid now, check the clocks");
        }
    }

    /** RFC 5280, 4.1.2.5: to the second, in UTC, two digits of the year until 2049. */
    static Time time(Instant instant) {
        OffsetDateTime utc = instant.atOffset(ZoneOffset.UTC);
        boolean shortYear = utc.getYear() < 2050;
        String digits = DIGITS.format(utc) + "Z";
        return new Time(shortYear ? new DERUTCTime(digits.substring(2)) : new DERGeneralizedTime(digits));
    }

    private static Instant instant(Time time) {
        String text = time.getTime(); // such as 20261120153000GMT+00:00
        if (!text.endsWith("GMT+00:00") && !text.endsWith("Z")) {
            throw new DateTimeException("not in UTC");
        }
        return LocalDateTime.parse(text.substring(0, 14), DIGITS).toInstant(ZoneOffset.UTC);
    }

    void requireSelfSigned() throws CertificateException {
        Names names = SIGNATURES.get(algorithm.getAlgorithm());
        if (names == null) {
            throw new CertificateException("unknown or weak signature algorithm " + algorithm.getAlgorithm());
        }
        try {
            Signature verifier = Signature.getInstance(names.signature);
            verifier.initVerify(KeyFactory.getInstance(names.key).generatePublic(new X509EncodedKeySpec(publicKey())));
            verifier.update(body.getEncoded());
            if (!verifier.verify(signature)) {
                throw new CertificateException("the certificate is not signed by itself");
            }
        } catch (GeneralSecurityException | IOException e) {
            throw new CertificateException("the certificate is not signed by itself", e);
        }
    }

    /** DER SubjectPublicKeyInfo. */
    byte[] publicKey() throws CertificateException {
        try {
            return key.getEncoded();
        } catch (IOException e) {
            throw new CertificateException("the certificate's key is malformed", e);
        }
    }

    @Nullable
    Extension extension(ASN1ObjectIdentifier oid) {
        return extensions == null ? null : extensions.getExtension(oid);
    }

    /** Standard extensions may be critical, and {@code known}; nothing else. */
    void refuseUnknownCritical(ASN1ObjectIdentifier known) throws CertificateException {
        if (extensions != null) {
            for (ASN1ObjectIdentifier oid : extensions.getCriticalExtensionOIDs()) {
                if (!oid.equals(known) && !oid.getId().startsWith(STANDARD_EXTENSIONS)) {
                    throw new CertificateException("unknown critical extension " + oid);
                }
            }
        }
    }
}
