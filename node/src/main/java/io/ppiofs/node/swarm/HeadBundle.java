package io.ppiofs.node.swarm;

import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.storage.PinnedHead;
import org.jspecify.annotations.Nullable;

/**
 * What a machine that has only the capability needs besides: the volume's description, where its blocks belong, and its
 * head, each signed on its own. This is what peers pin and gossip carries.
 *
 * <p>Form: deterministic CBOR map {1: version 1, 2: description, 3: placement or null, 4: head}.
 */
record HeadBundle(byte[] config, byte @Nullable [] placement, byte[] head) {
    private static final int VERSION = 1;

    byte[] encode() {
        byte[] bytes = CborEncoder.encode(CborMap.builder()
                .put(1, VERSION)
                .put(2, config)
                .put(3, placement == null ? CborSimple.NULL : CborBytes.of(placement))
                .put(4, head)
                .build());
        if (bytes.length > PinnedHead.MAX_HEAD) {
            throw new PpiofsException(
                    ErrorKind.TOO_BIG, "publish", "head", bytes.length + " bytes are more than peers keep");
        }
        return bytes;
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT; what is inside is not verified here */
    static HeadBundle decode(byte[] bytes) {
        try {
            CborMap fields = CborDecoder.decodeMap(bytes);
            fields.version("published head", VERSION, VERSION);
            fields.requireFields(4);
            byte[] placement = fields.get(3) == CborSimple.NULL ? null : fields.bytes(3, 1, PinnedHead.MAX_HEAD);
            return new HeadBundle(
                    fields.bytes(2, 1, PinnedHead.MAX_HEAD), placement, fields.bytes(4, 1, PinnedHead.MAX_HEAD));
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "published head", String.valueOf(e.getMessage()), e);
        }
    }
}
