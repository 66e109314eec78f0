package io.ppiofs.overlay.storage;

import io.ppiofs.base32.CheckedText;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.ArrayList;
import java.util.List;

/**
 * An operator's promise of space to whoever shows it first, as text to copy: {@code ppiofs:invite:…}. The token is a secret
 * good for one grant; the operator keeps its hash only.
 *
 * @param operator who gives the space
 * @param token 16 random bytes, not to be changed
 * @param bytes how much
 * @param addresses where the operator is reached, without {@code /p2p}; at most 8
 */
public record GrantInvitation(PeerId operator, byte[] token, long bytes, List<Multiaddr> addresses) {
    /** Begins every invitation. */
    public static final String PREFIX = "ppiofs:invite:";

    /** Bytes of a token. */
    public static final int TOKEN = 16;

    private static final int VERSION = 1;
    private static final int MAX_ADDRESSES = 8;
    private static final CheckedText TEXT = new CheckedText(PREFIX, 16 * 1024);

    public GrantInvitation {
        addresses = List.copyOf(addresses);
        if (token.length != TOKEN || bytes < 1 || addresses.size() > MAX_ADDRESSES) {
            throw new IllegalArgumentException("no invitation: " + bytes + " bytes, " + addresses);
        }
    }

    /** The text: CBOR as {@link CheckedText}. */
    public String print() {
        List<Cbor> places = new ArrayList<>();
        addresses.forEach(address -> places.add(CborBytes.of(address.toBytes())));
        return TEXT.print(CborEncoder.encode(CborMap.builder()
                .put(1, VERSION)
                .put(2, operator.toBytes())
                .put(3, token)
                .put(4, bytes)
                .put(5, new CborArray(places))
                .build()));
    }

    /** @throws PpiofsException INVALID if the text is no invitation, UNSUPPORTED_FORMAT if it is of a later version */
    public static GrantInvitation parse(String text) {
        try {
            return read(CborDecoder.decodeMap(TEXT.read(text)));
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.INVALID, "read", "invitation", String.valueOf(e.getMessage()));
        }
    }

    private static GrantInvitation read(CborMap fields) throws MalformedException {
        if (fields.uint(1, Integer.MAX_VALUE) != VERSION) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    "invitation",
                    "it is of a version that this ppiofs does not know; update ppiofs");
        }
        fields.requireFields(5);
        List<Multiaddr> addresses = new ArrayList<>();
        for (Cbor item : fields.array(5, MAX_ADDRESSES).items()) {
            if (!(item instanceof CborBytes bytes)) {
                throw new MalformedException("it has an address that is none");
            }
            // An address of a kind that only later versions know is of no use, and no harm
            Multiaddr.read(bytes.value()).ifPresent(addresses::add);
        }
        long bytes = fields.uint(4, Long.MAX_VALUE);
        if (bytes == 0) {
            throw new MalformedException("it is for no bytes");
        }
        return new GrantInvitation(RecordFields.peer(fields, 2), fields.bytes(3, TOKEN), bytes, addresses);
    }

    /** Without the token, which is a secret. */
    @Override
    public String toString() {
        return "invitation of " + operator + " for " + bytes + " bytes";
    }
}
