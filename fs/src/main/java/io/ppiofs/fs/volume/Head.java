package io.ppiofs.fs.volume;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;

/**
 * One state of a volume as its writer signed it: {@link HeadClear} for all, {@link HeadState} for readers. Immutable;
 * an instance has been verified. Once warm, signing takes 0.1 ms and opening 0.4 ms.
 */
public final class Head {
    /** Largest head that is written or read. */
    public static final int MAX_LENGTH = SignedEnvelope.MAX_LENGTH;

    private static final int MAX_SEALED = 128 * 1024;

    private final HeadClear clear;
    private final HeadState state;
    private final byte[] envelope;

    private Head(HeadClear clear, HeadState state, byte[] envelope) {
        this.clear = clear;
        this.state = state;
        this.envelope = envelope;
    }

    /** Seals the state under the clear part's epoch and signs both. */
    public static Head sign(HeadClear clear, HeadState state, WriterIdentity writer, VolumeKeys keys) {
        if (!writer.certificate().equals(clear.certificate())) {
            throw new IllegalArgumentException("signing with another writer's certificate");
        }
        byte[] associated = CborEncoder.encode(clear.toCbor().build());
        byte[] sealed = Aead.seal(keys.headKey(clear.epoch()), nonce(clear), associated, state.encode());
        CborMap fields = clear.toCbor().put(8, sealed).build();
        byte[] envelope = RecordType.HEAD.sign(writer.key().signingKey(), clear.network(), fields);
        return new Head(clear, state, envelope);
    }

    /**
     * Verifies signature and certificate without any key; the state stays sealed.
     *
     * @param subject where the bytes are from, for messages
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    public static HeadClear verify(byte[] envelope, String subject) {
        try {
            return HeadClear.ofRecord(RecordType.HEAD.open(envelope, subject), subject);
        } catch (MalformedException e) {
            throw damaged(subject, e);
        }
    }

    /** Verifies and opens; also WRONG_KEY if the head is of a later epoch or of another volume. */
    public static Head open(byte[] envelope, VolumeKeys keys, String subject) {
        try {
            RecordType.Opened opened = RecordType.HEAD.open(envelope, subject);
            HeadClear clear = HeadClear.ofRecord(opened, subject);
            if (!clear.volume().equals(keys.volumeId())) {
                throw new PpiofsException(
                        ErrorKind.WRONG_KEY, "read head", subject, "it belongs to volume " + clear.volume());
            }
            byte[] associated = CborEncoder.encode(clear.toCbor().build());
            byte[] sealed = opened.fields().bytes(8, Aead.TAG_LENGTH, MAX_SEALED);
            byte[] plain = Aead.open(keys.headKey(clear.epoch()), nonce(clear), associated, sealed);
            if (plain == null) {
                throw new MalformedException("its sealed part does not open with the volume's keys");
            }
            HeadState state = HeadState.decode(plain);
            requireKnown(state, subject);
            return new Head(clear, state, envelope.clone());
        } catch (MalformedException e) {
            throw damaged(subject, e);
        }
    }

    /** The name of the head: SHA-256 of its signed bytes as a CID. */
    public Cid id() {
        return Cid.ofDigest(KeyDerivation.newSha256().digest(envelope));
    }

    public HeadClear clear() {
        return clear;
    }

    public HeadState state() {
        return state;
    }

    /** A copy of the signed bytes. */
    public byte[] envelope() {
        return envelope.clone();
    }

    @Override
    public String toString() {
        return "Head[slot " + clear.certificate().slot() + ", sequence " + clear.sequence() + "]";
    }

    /** Slot and sequence; a repeat (signed again after a crash) is harmless under GCM-SIV. */
    private static byte[] nonce(HeadClear clear) {
        return ByteBuffer.allocate(Aead.NONCE_LENGTH)
                .putInt(clear.certificate().slot())
                .putLong(clear.sequence())
                .array();
    }

    private static void requireKnown(HeadState state, String subject) {
        String critical = state.criticalExtension();
        if (critical != null) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read head",
                    subject,
                    "it needs the feature " + critical.substring(1) + " that this ppiofs does not know; update ppiofs");
        }
    }

    private static PpiofsException damaged(String subject, MalformedException e) {
        return new PpiofsException(
                ErrorKind.CORRUPT, "read head", subject, e.getMessage() + "; restore the file from a backup", e);
    }
}
