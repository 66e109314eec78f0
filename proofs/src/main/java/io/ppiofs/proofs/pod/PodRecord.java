package io.ppiofs.proofs.pod;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A signed record of a deal: deterministic CBOR {1: body, 2: signature over {@code "ppiofs pod LABEL v1" || 0 || body}}; the body is a map with
 * 1: network, 2: the signer's peer id, and the fields of its label. Immutable as long as nobody writes to the arrays.
 *
 * @param signer who signed it
 * @param digest SHA-256 of what is signed: the record's name, whatever its signature's bytes are
 * @param encoded the whole record
 */
record PodRecord(byte[] signer, CborMap fields, byte[] digest, byte[] encoded) {
    /** Most bytes of a peer's id. */
    static final int MAX_ID = 128;

    private static final int MAX_SIGNATURE = 512;

    /** Reads the fields of a record. */
    interface Reader<T> {
        T read(PodRecord record) throws MalformedException;
    }

    static byte[] seal(String label, PodNetwork network, PodSigner signer, CborMap.Builder fields) {
        byte[] body = CborEncoder.encode(
                fields.put(1, network.id().bytes()).put(2, signer.id()).build());
        return CborEncoder.encode(CborMap.builder()
                .put(1, body)
                .put(2, signer.sign(message(label, body)))
                .build());
    }

    /** @throws PpiofsException CORRUPT if it is none of this label and network, or not signed by whom it names */
    static <T> T open(String label, PodNetwork network, byte[] encoded, int maxBytes, Reader<T> reader) {
        try {
            if (encoded.length > maxBytes) {
                throw new MalformedException(encoded.length + " bytes are more than " + maxBytes);
            }
            CborMap envelope = CborDecoder.decodeMap(encoded);
            envelope.requireFields(2);
            byte[] body = envelope.bytes(1, 1, maxBytes);
            CborMap fields = CborDecoder.decodeMap(body);
            byte[] signer = fields.bytes(2, 1, MAX_ID);
            byte[] message = message(label, body);
            if (!Arrays.equals(fields.bytes(1, NetworkId.LENGTH), network.id().bytes())) {
                throw new MalformedException("it is of another network");
            }
            if (!network.signatures().hold(signer, message, envelope.bytes(2, 1, MAX_SIGNATURE))) {
                throw new MalformedException("its signature does not hold");
            }
            return reader.read(
                    new PodRecord(signer, fields, new Sha256().update(message).digest(), encoded));
        } catch (MalformedException | IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", label, String.valueOf(e.getMessage()), e);
        }
    }

    private static byte[] message(String label, byte[] body) {
        byte[] domain = ("ppiofs pod " + label + " v1\0").getBytes(StandardCharsets.US_ASCII);
        byte[] message = Arrays.copyOf(domain, domain.length + body.length);
        System.arraycopy(body, 0, message, domain.length, body.length);
        return message;
    }
}
