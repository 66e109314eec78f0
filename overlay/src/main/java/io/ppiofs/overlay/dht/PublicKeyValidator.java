package io.ppiofs.overlay.dht;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import java.util.Arrays;
import java.util.List;

/** The namespace {@code pk}: under {@code /pk/} and a peer id's binary form stands the peer's public key, and nothing else. */
final class PublicKeyValidator implements Validator {
    private static final byte[] PREFIX = "/pk/".getBytes(US_ASCII);

    @Override
    public boolean isValid(byte[] key, byte[] value) {
        if (!Arrays.equals(PREFIX, Arrays.copyOf(key, PREFIX.length))) {
            return false;
        }
        try {
            byte[] id = PeerId.of(PublicKey.parse(value)).toBytes();
            return Arrays.equals(id, 0, id.length, key, PREFIX.length, key.length);
        } catch (PpiofsException e) {
            return false; // not a public key
        }
    }

    /** There is one valid key only; two encodings of it are equally good, the lower one is taken. */
    @Override
    public int select(byte[] key, List<byte[]> values) {
        int best = 0;
        for (int i = 1; i < values.size(); i++) {
            if (Arrays.compareUnsigned(values.get(i), values.get(best)) < 0) {
                best = i;
            }
        }
        return best;
    }
}
