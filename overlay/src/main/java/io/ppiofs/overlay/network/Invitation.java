package io.ppiofs.overlay.network;

import io.ppiofs.base32.CheckedText;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What somebody needs to join a network, as text to copy: {@code ppiofs-network:…}. It holds no secret: a certificate is
 * good for the one peer that it names.
 *
 * @param genesis the network
 * @param bootstrap peers to ask first, each ending in {@code /p2p/…}; at most 16
 * @param certificate the newcomer's, for a private network, or null if it will be handed over later
 */
public record Invitation(
        Genesis genesis,
        List<Multiaddr> bootstrap,
        @Nullable MembershipCertificate certificate) {
    /** Begins every invitation. */
    public static final String PREFIX = "ppiofs-network:";

    private static final int VERSION = 1;
    private static final int MAX_BOOTSTRAP = 16;
    private static final CheckedText TEXT = new CheckedText(PREFIX, 64 * 1024);

    public Invitation {
        bootstrap = List.copyOf(bootstrap);
        if (bootstrap.size() > MAX_BOOTSTRAP
                || !bootstrap.stream().allMatch(a -> a.peer().isPresent())) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "invite",
                    genesis.name(),
                    "an invitation has up to " + MAX_BOOTSTRAP
                            + " addresses, each with /p2p/ and a peer id at its end");
        }
    }

    public Optional<MembershipCertificate> membership() {
        return Optional.ofNullable(certificate);
    }

    /** The text: CBOR as {@link CheckedText}. */
    public String print() {
        List<Cbor> addresses = new ArrayList<>();
        bootstrap.forEach(address -> addresses.add(CborBytes.of(address.toBytes())));
        return TEXT.print(CborEncoder.encode(CborMap.builder()
                .put(1, VERSION)
                .put(2, genesis.encode())
                .put(3, new CborArray(addresses))
                .put(4, certificate == null ? CborSimple.NULL : CborBytes.of(certificate.encode()))
                .build()));
    }

    /** @throws PpiofsException INVALID if the text is no invitation, UNSUPPORTED_FORMAT if it is of a later version */
    public static Invitation parse(String text) {
        try {
            return read(CborDecoder.decodeMap(TEXT.read(text)));
        } catch (MalformedException e) {
            String trimmed = text.strip();
            String shown = trimmed.length() > 40 ? trimmed.substring(0, 40) + "…" : trimmed;
            throw new PpiofsException(ErrorKind.INVALID, "read invitation", shown, String.valueOf(e.getMessage()));
        }
    }

    private static Invitation read(CborMap fields) throws MalformedException {
        if (fields.uint(1, Integer.MAX_VALUE) != VERSION) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    "invitation",
                    "it is of a version that this ppiofs does not know; update ppiofs");
        }
        fields.requireFields(4);
        Genesis genesis = Genesis.decode(fields.bytes(2, 1, Envelope.MAX_ENCODED));
        List<Multiaddr> bootstrap = new ArrayList<>();
        for (Cbor item : fields.array(3, MAX_BOOTSTRAP).items()) {
            if (!(item instanceof CborBytes bytes)) {
                throw new MalformedException("it has an address that is none");
            }
            // An address of a kind that only later versions know is of no use, and no harm
            Multiaddr.read(bytes.value()).filter(a -> a.peer().isPresent()).ifPresent(bootstrap::add);
        }
        MembershipCertificate certificate = fields.get(4) == CborSimple.NULL
                ? null
                : MembershipCertificate.decode(fields.bytes(4, 1, Envelope.MAX_ENCODED), genesis);
        return new Invitation(genesis, bootstrap, certificate);
    }
}
