package io.ppiofs.fs.journal;

import io.ppiofs.blockstore.sealed.CryptoProvider;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-256-GCM under the key of one file: HKDF-SHA-256 (RFC 5869) of the volume's journal key with the file's salt. Each
 * file has a fresh salt and is written by one process only, so a nonce counter that only grows is enough. One thread.
 */
final class FileSeal {
    private static final byte[] INFO = "ppiofs journal file v1".getBytes(StandardCharsets.US_ASCII);
    private static final int NONCE_BYTES = 12;
    /** The header takes nonce 0; frames count from 1. */
    private static final long HEADER_NONCE = 0;

    /** The JDK's GCM stays interpreted for a long time when it is called seldom with much; small steps warm it up. */
    private static final int STEP_BYTES = 32 << 10;

    private final SecretKeySpec key;
    private final Cipher cipher;

    FileSeal(byte[] journalKey, byte[] salt) {
        key = derive(journalKey, salt, INFO);
        try {
            cipher = CryptoProvider.fastest().cipher();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the JDK lacks AES-GCM", e);
        }
    }

    /** HKDF-SHA-256 to one AES-256 key. */
    static SecretKeySpec derive(byte[] secret, byte[] salt, byte[] info) {
        try {
            byte[] expand = Arrays.copyOf(info, info.length + 1);
            expand[info.length] = 1;
            return new SecretKeySpec(hmac(hmac(salt, secret), expand), "AES");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the JDK lacks HMAC-SHA-256", e);
        }
    }

    private static byte[] hmac(byte[] key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(message);
    }

    /** Adds tag and CRC to the header; returns the tag. */
    byte[] sealHeader(ByteBuffer header) {
        byte[] tag = headerTag(header.array());
        header.put(tag);
        header.putInt(JournalFormat.crc(header.array(), 0, header.position()));
        return tag;
    }

    /** The tag that belongs to the header's first bytes. */
    byte[] headerTag(byte[] header) {
        try {
            init(Cipher.ENCRYPT_MODE, HEADER_NONCE);
            cipher.updateAAD(header, 0, JournalFormat.FILE_HEADER_AAD);
            return cipher.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot authenticate a journal header", e);
        }
    }

    /** Appends ciphertext and tag of {@code plaintext} to {@code out}, whose bytes from {@code headerAt} are the header. */
    void seal(long nonce, ByteBuffer out, int headerAt, byte[] plaintext, int length) {
        try {
            init(Cipher.ENCRYPT_MODE, nonce);
            cipher.updateAAD(out.array(), out.arrayOffset() + headerAt, JournalFormat.FRAME_HEADER_AAD);
            byte[] target = out.array();
            int at = out.arrayOffset() + out.position();
            int from = 0;
            for (; length - from > STEP_BYTES; from += STEP_BYTES) {
                at += cipher.update(plaintext, from, STEP_BYTES, target, at);
            }
            at += cipher.doFinal(plaintext, from, length - from, target, at);
            out.position(at - out.arrayOffset());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot seal a journal frame", e);
        }
    }

    /** Opens a frame (header, ciphertext, tag). Returns false if it is not authentic. */
    boolean open(JournalFormat.FrameHeader header, byte[] frame, byte[] plaintext) {
        try {
            init(Cipher.DECRYPT_MODE, header.nonce());
            cipher.updateAAD(frame, 0, JournalFormat.FRAME_HEADER_AAD);
            int sealed = header.length() + JournalFormat.TAG_BYTES;
            return cipher.doFinal(frame, JournalFormat.FRAME_HEADER_BYTES, sealed, plaintext, 0) == header.length();
        } catch (AEADBadTagException e) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot open a journal frame", e);
        }
    }

    private void init(int mode, long nonce) throws GeneralSecurityException {
        byte[] iv = ByteBuffer.allocate(NONCE_BYTES).putLong(4, nonce).array();
        cipher.init(mode, key, new GCMParameterSpec(JournalFormat.TAG_BYTES * 8, iv));
    }
}
