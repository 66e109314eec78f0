package io.ppiofs.base32;

import io.ppiofs.cbor.MalformedException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * Bytes as a text that people copy: a prefix that says what it is, then base32 of the bytes and their CRC-32C, which finds
 * slips of the pen and of the mouse; forgers are stopped by signatures.
 *
 * @param prefix begins every text of the kind
 * @param maxLength of the whole text that is read
 */
public record CheckedText(String prefix, int maxLength) {
    private static final int CHECKSUM = 4;

    public String print(byte[] body) {
        byte[] all = ByteBuffer.allocate(body.length + CHECKSUM)
                .put(body)
                .putInt(checksum(body))
                .array();
        return prefix + Base32.encode(all);
    }

    /** The bytes of a text, white space around it aside. @throws MalformedException with a reason that can be shown */
    public byte[] read(String text) throws MalformedException {
        String trimmed = text.strip();
        if (!trimmed.startsWith(prefix) || trimmed.length() > maxLength) {
            throw new MalformedException("it does not begin with " + prefix);
        }
        byte[] all = Base32.decode(trimmed.substring(prefix.length()));
        byte[] body = Arrays.copyOf(all, Math.max(0, all.length - CHECKSUM));
        if (all.length < CHECKSUM || ByteBuffer.wrap(all).getInt(body.length) != checksum(body)) {
            throw new MalformedException("its checksum is wrong; copy it again");
        }
        return body;
    }

    private static int checksum(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(body);
        return (int) crc.getValue();
    }
}
