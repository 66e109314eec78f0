package io.ppiofs.overlay.network;

import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.wire.IdentityWire;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A type of signed record: an {@link Envelope} whose payload is a deterministic CBOR map with the network in field 1.
 * Network, label and version are in the signature's domain, so a record is good for one network, purpose and version. An
 * envelope has one encoding; others of the same content are refused, so equal records are equal bytes.
 *
 * @param label lower case words joined by hyphens, unique among all records of ppiofs
 * @param version format version, from 1
 */
public record RecordType(String label, int version) {
    public RecordType {
        if (!label.matches("[a-z][a-z-]{0,39}") || version < 1) {
            throw new IllegalArgumentException("no record type: " + label + " " + version);
        }
    }

    /**
     * An opened record: the signature is good for the key that it names; whether that key may say so is for the reader.
     *
     * @param envelope the whole envelope, not to be changed
     */
    public record Signed(PublicKey signer, CborMap fields, byte[] envelope) {}

    /** Turns the fields into a value and decides whether this signer may say it. */
    @FunctionalInterface
    public interface Reader<T> {
        T read(Signed record) throws MalformedException;
    }

    /** The signature domain in {@code network}. */
    public String domain(NetworkId network) {
        return "ppiofs/" + network + "/" + label + "/" + version;
    }

    /** The payload type of the envelope: a path, as multicodec wants it for private types. */
    public byte[] payloadType() {
        return ("/ppiofs/" + label + "/" + version).getBytes(StandardCharsets.US_ASCII);
    }

    /** @param fields from number 2; field 1 is put here */
    public byte[] seal(IdentityKey key, NetworkId network, CborMap.Builder fields) {
        byte[] payload = CborEncoder.encode(fields.put(1, network.bytes()).build());
        byte[] envelope =
                Envelope.seal(key, domain(network), payloadType(), payload).toBytes();
        if (envelope.length > Envelope.MAX_ENCODED) {
            throw new PpiofsException(
                    ErrorKind.TOO_BIG,
                    "sign",
                    label,
                    "its " + envelope.length + " bytes are more than the " + Envelope.MAX_ENCODED + " of a record");
        }
        return envelope;
    }

    /**
     * Opens a record of this type and network.
     *
     * @throws PpiofsException CORRUPT if it is malformed, of another network or type, wrongly signed, or refused by {@code
     *     reader}; UNSUPPORTED_FORMAT if it is of another version
     */
    public <T> T open(byte[] envelope, NetworkId network, Reader<T> reader) {
        requireType(envelope);
        Envelope opened = Envelope.open(envelope, domain(network), payloadType());
        if (!Arrays.equals(opened.toBytes(), envelope)) {
            throw refused("its envelope is not in its one encoding");
        }
        try {
            CborMap fields = CborDecoder.decodeMap(opened.payload());
            if (!NetworkId.of(fields.bytes(1, NetworkId.LENGTH)).equals(network)) {
                throw new MalformedException("it is of another network");
            }
            return reader.read(new Signed(opened.signer(), fields, envelope));
        } catch (MalformedException e) {
            throw refused(String.valueOf(e.getMessage()));
        }
    }

    private void requireType(byte[] envelope) {
        if (envelope.length > Envelope.MAX_ENCODED) {
            throw refused(envelope.length + " bytes are more than the " + Envelope.MAX_ENCODED + " of a record");
        }
        String type;
        try {
            type = IdentityWire.Envelope.parseFrom(envelope).getPayloadType().toString(StandardCharsets.ISO_8859_1);
        } catch (InvalidProtocolBufferException e) {
            throw refused("it is no signed envelope");
        }
        boolean mine = type.equals(new String(payloadType(), StandardCharsets.ISO_8859_1));
        if (!mine && type.matches("/ppiofs/" + label + "/[0-9]{1,9}")) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    label,
                    "it is of another version (" + type + ") than this ppiofs knows (" + version + "); update ppiofs");
        }
        if (!mine) {
            throw refused("it is another kind of record");
        }
    }

    private PpiofsException refused(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "read", label, detail);
    }
}
