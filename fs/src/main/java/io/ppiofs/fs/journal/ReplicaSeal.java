package io.ppiofs.fs.journal;

import io.ppiofs.blockstore.sealed.CryptoProvider;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Seals records for other machines: AES-256-GCM under a key of one stream, which every holder of the volume's write capability
 * can derive. The local journal has another key, and its files' salts would be lost with the home. Entries are chained and
 * numbered, so what opens is a part of one stream in its order. One thread.
 *
 * <p>Format: {@code docs/formats.md}, "Journal on peers".
 */
public final class ReplicaSeal {
    /** Bytes of a stream's name: its number, and as many random bytes. It is in the heads that the stream goes on from. */
    public static final int STREAM_BYTES = 16;

    static final int MAX_PART = 256 << 10;
    static final int HEADER_BYTES = 4 + STREAM_BYTES + 8 + 8 + 4 + 2 + 2 + 4 + JournalFormat.TAG_BYTES;

    /** Most bytes of an entry. */
    public static final int MAX_ENTRY = HEADER_BYTES + MAX_PART + JournalFormat.TAG_BYTES;

    private static final int MAGIC = 0x504a5231; // "PJR1"
    private static final byte[] INFO = "ppiofs journal copy v1".getBytes(StandardCharsets.US_ASCII);

    private final SecretKeySpec key;
    private final Cipher cipher;
    private final byte[] stream;
    private long number;
    private byte[] previousTag = new byte[JournalFormat.TAG_BYTES];

    /**
     * What an entry says of itself.
     *
     * @param number in its stream, from 1
     * @param part of the records' bytes, from 0
     */
    record Header(long number, long firstLsn, int count, int part, int parts, int length, byte[] previousTag) {}

    /**
     * @param key 32 bytes of the volume
     * @param stream {@link #STREAM_BYTES}; a name is used for one sequence of {@link #seal} only
     */
    public ReplicaSeal(byte[] key, byte[] stream) {
        if (key.length != JournalFormat.KEY_BYTES || stream.length != STREAM_BYTES) {
            throw new IllegalArgumentException("key of " + key.length + ", stream of " + stream.length + " bytes");
        }
        this.key = FileSeal.derive(key, stream, INFO);
        this.stream = stream.clone();
        try {
            this.cipher = CryptoProvider.fastest().cipher();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the JDK lacks AES-GCM", e);
        }
    }

    /** @param plaintext records as in a frame: each behind its length */
    List<JournalReplica.Sealed> seal(long firstLsn, int count, byte[] plaintext, int length) {
        List<JournalReplica.Sealed> entries = new ArrayList<>();
        int parts = Math.max(1, (length + MAX_PART - 1) / MAX_PART);
        for (int part = 0; part < parts; part++) {
            int from = part * MAX_PART;
            int n = Math.min(MAX_PART, length - from);
            number++;
            ByteBuffer out = ByteBuffer.allocate(HEADER_BYTES + n + JournalFormat.TAG_BYTES);
            out.putInt(MAGIC).put(stream).putLong(number).putLong(firstLsn).putInt(count);
            out.putShort((short) part).putShort((short) parts).putInt(n).put(previousTag);
            try {
                init(Cipher.ENCRYPT_MODE, number);
                cipher.updateAAD(out.array(), 0, HEADER_BYTES);
                cipher.doFinal(plaintext, from, n, out.array(), HEADER_BYTES);
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("cannot seal a journal entry", e);
            }
            previousTag = tagOf(out.array());
            long lastLsn = part == parts - 1 ? firstLsn + count - 1 : firstLsn - 1;
            entries.add(new JournalReplica.Sealed(firstLsn, lastLsn, out.array()));
        }
        return entries;
    }

    private void init(int mode, long nonce) throws GeneralSecurityException {
        byte[] iv = ByteBuffer.allocate(12).putLong(4, nonce).array();
        cipher.init(mode, key, new GCMParameterSpec(JournalFormat.TAG_BYTES * 8, iv));
    }

    static byte[] tagOf(byte[] entry) {
        return Arrays.copyOfRange(entry, entry.length - JournalFormat.TAG_BYTES, entry.length);
    }

    /** A new name. @param number above those of all earlier streams of the volume */
    public static byte[] newStream(long number, SecureRandom random) {
        byte[] salt = new byte[STREAM_BYTES - Long.BYTES];
        random.nextBytes(salt);
        return ByteBuffer.allocate(STREAM_BYTES).putLong(number).put(salt).array();
    }

    /** The number in a stream's name. */
    public static long numberOf(byte[] stream) {
        return ByteBuffer.wrap(stream).getLong();
    }

    /** Null if these bytes are no entry of this stream, or its numbers are out of bounds. */
    @Nullable
    Header header(byte[] entry) {
        if (entry.length <= HEADER_BYTES + JournalFormat.TAG_BYTES || entry.length > MAX_ENTRY) {
            return null;
        }
        ByteBuffer in = ByteBuffer.wrap(entry);
        if (in.getInt() != MAGIC || !Arrays.equals(entry, 4, 4 + STREAM_BYTES, stream, 0, STREAM_BYTES)) {
            return null;
        }
        in.position(4 + STREAM_BYTES);
        long entryNumber = in.getLong();
        long firstLsn = in.getLong();
        int count = in.getInt();
        int part = in.getShort() & 0xffff;
        int parts = in.getShort() & 0xffff;
        int length = in.getInt();
        byte[] tag = new byte[JournalFormat.TAG_BYTES];
        in.get(tag);
        boolean sane = entryNumber > 0
                && firstLsn > 0
                && count > 0
                && part < parts
                && parts <= JournalFormat.MAX_FRAME_PLAINTEXT / MAX_PART + 1
                && length == entry.length - HEADER_BYTES - JournalFormat.TAG_BYTES;
        return sane ? new Header(entryNumber, firstLsn, count, part, parts, length, tag) : null;
    }

    /** The plaintext of an entry with this header; null if it is not authentic. */
    byte @Nullable [] open(Header header, byte[] entry) {
        try {
            init(Cipher.DECRYPT_MODE, header.number());
            cipher.updateAAD(entry, 0, HEADER_BYTES);
            return cipher.doFinal(entry, HEADER_BYTES, entry.length - HEADER_BYTES);
        } catch (AEADBadTagException e) {
            return null;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot open a journal entry", e);
        }
    }
}
