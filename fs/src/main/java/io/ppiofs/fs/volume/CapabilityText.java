package io.ppiofs.fs.volume;

import io.ppiofs.base32.Base32;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The text form of capabilities: version, fields and checksum in base32 behind a prefix. */
final class CapabilityText {
    /** Fields of a capability that is bound to an epoch: volume id, u16 epoch, secret. */
    static final int WITH_EPOCH = VolumeId.LENGTH + Short.BYTES + Secret.LENGTH;

    private static final int CHECKSUM_LENGTH = 4;
    private static final byte VERSION = 1;

    private CapabilityText() {}

    static String print(String prefix, byte[] fields) {
        byte[] body =
                ByteBuffer.allocate(1 + fields.length).put(VERSION).put(fields).array();
        byte[] all = ByteBuffer.allocate(body.length + CHECKSUM_LENGTH)
                .put(body)
                .put(checksum(prefix, body))
                .array();
        return prefix + Base32.encode(all);
    }

    static byte[] read(String prefix, String text, int fieldsLength) throws MalformedException {
        byte[] all = Base32.decode(text.substring(prefix.length()));
        if (all.length <= CHECKSUM_LENGTH) {
            throw new MalformedException("it is too short");
        }
        byte[] body = Arrays.copyOf(all, all.length - CHECKSUM_LENGTH);
        byte[] sum = Arrays.copyOfRange(all, body.length, all.length);
        if (!Arrays.equals(sum, checksum(prefix, body))) {
            throw new MalformedException("its checksum is wrong");
        }
        if (body[0] != VERSION) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    "capability",
                    "it is of version " + body[0] + ", this ppiofs knows version 1; update ppiofs");
        }
        if (body.length != 1 + fieldsLength) {
            throw new MalformedException("its length is wrong");
        }
        return Arrays.copyOfRange(body, 1, body.length);
    }

    static VolumeId id(ByteBuffer in) {
        byte[] id = new byte[VolumeId.LENGTH];
        in.get(id);
        return VolumeId.of(id);
    }

    static int epoch(ByteBuffer in) throws MalformedException {
        int epoch = in.getShort() & 0xffff;
        if (epoch >= EpochChain.MAX_EPOCHS) {
            throw new MalformedException("its epoch is impossible");
        }
        return epoch;
    }

    static Secret secret(ByteBuffer in) {
        byte[] secret = new byte[Secret.LENGTH];
        in.get(secret);
        return Secret.of(secret);
    }

    private static byte[] checksum(String prefix, byte[] body) {
        byte[] digest = KeyDerivation.sha256(prefix.getBytes(StandardCharsets.UTF_8), body);
        return Arrays.copyOf(digest, CHECKSUM_LENGTH);
    }
}
