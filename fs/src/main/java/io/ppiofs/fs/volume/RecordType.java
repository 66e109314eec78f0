package io.ppiofs.fs.volume;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;

/**
 * The signed records of a volume. Each is a {@link SignedEnvelope} with a deterministic CBOR map whose field 1 is the
 * network and field 2 the volume. Type, version and network are in the signature's domain.
 */
enum RecordType {
    CONFIG("volume", 1),
    CERTIFICATE("writer-certificate", 1),
    REVOCATION("writer-revocation", 1),
    PLACEMENT("volume-placement", 1),
    /** With one field more; only where it is needed, so that earlier programs read all others. */
    SEALED_PLACEMENT("volume-placement", 2),
    HEAD("head", 1);

    private final String label;
    private final int version;

    RecordType(String label, int version) {
        this.label = label;
        this.version = version;
    }

    /** A record whose signature is good for the key that it names; the caller checks that the key is the right one. */
    record Opened(Ed25519PublicKey signer, NetworkId network, VolumeId volume, CborMap fields, byte[] payload) {}

    /** The path-style payload type: the multicodec of '/' begins it. */
    String payloadType() {
        return "/ppiofs/" + label + "/" + version;
    }

    String domain(NetworkId network) {
        return "ppiofs/" + network + "/" + label + "/" + version;
    }

    /** @param fields with network and volume in fields 1 and 2 */
    byte[] sign(SigningKey key, NetworkId network, CborMap fields) {
        return SignedEnvelope.seal(key, domain(network), payloadType(), CborEncoder.encode(fields));
    }

    /** @param subject where the bytes are from, for messages */
    Opened open(byte[] envelope, String subject) throws MalformedException {
        SignedEnvelope signed = SignedEnvelope.parse(envelope);
        requireType(signed.payloadType(), subject);
        CborMap fields = CborDecoder.decodeMap(signed.payload());
        NetworkId network = NetworkId.of(fields.bytes(1, NetworkId.LENGTH));
        VolumeId volume = VolumeId.of(fields.bytes(2, VolumeId.LENGTH));
        if (!signed.isSignedUnder(domain(network))) {
            throw new MalformedException("its signature is wrong");
        }
        return new Opened(signed.publicKey(), network, volume, fields, signed.payload());
    }

    /** Whether the bytes say that they are of this type and version. */
    boolean isTypeOf(byte[] envelope) throws MalformedException {
        return SignedEnvelope.parse(envelope).payloadType().equals(payloadType());
    }

    /** As {@link #open}; the signer must be the owner whose key hashes to the volume id. */
    Opened openOfOwner(byte[] envelope, String subject) throws MalformedException {
        Opened opened = open(envelope, subject);
        if (!VolumeId.ofOwner(opened.signer()).equals(opened.volume())) {
            throw new MalformedException("it is not signed by the volume's owner");
        }
        return opened;
    }

    private void requireType(String payloadType, String subject) throws MalformedException {
        if (payloadType.equals(payloadType())) {
            return;
        }
        if (payloadType.matches("/ppiofs/" + label + "/[0-9]{1,9}")) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    subject,
                    "this " + label + " was written by a newer ppiofs (" + payloadType + "); update ppiofs");
        }
        throw new MalformedException("it is no " + label + " record");
    }
}
