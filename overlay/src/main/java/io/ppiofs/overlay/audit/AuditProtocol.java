package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.SingleExchange;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * What both sides of {@code /ppiofs/ID/audit/1.0.0}, {@code …/capacity/1.0.0} and {@code …/seal/1.0.0} know: one question and one answer to a stream. An
 * answer is a deterministic CBOR map {1: 0, 2: …}, or {1: a {@link Refusal}, 2: a sentence}.
 */
final class AuditProtocol {
    /** Why not; the ordinal plus one is the number on the wire: append only. */
    enum Refusal {
        /** The question is none, or not genuine. */
        MALFORMED(ErrorKind.INVALID),
        /** The slot is not leased here, or the group's inventory is not here. */
        UNKNOWN(ErrorKind.NOT_FOUND),
        /** The group has another inventory here than the verifier knows. */
        OUTDATED(ErrorKind.EXISTS),
        /** Too many questions. */
        BUSY(ErrorKind.BUSY),
        NOT_SUPPORTED(ErrorKind.NOT_SUPPORTED),
        /** A challenged block is missing or damaged: the holder says so itself. */
        LOST(ErrorKind.CORRUPT),
        FAILED(ErrorKind.IO);

        final ErrorKind kind;

        Refusal(ErrorKind kind) {
            this.kind = kind;
        }

        static Refusal of(ErrorKind kind) {
            for (Refusal refusal : values()) {
                if (refusal.kind == kind) {
                    return refusal;
                }
            }
            return FAILED;
        }

        PpiofsException on(String subject, String detail) {
            return new PpiofsException(kind, "audit", subject, detail);
        }
    }

    static final int MAX_TEXT = 400;

    /** A question with a tag key, an answer in its envelope. */
    static final int MAX_MESSAGE = 32 << 10;

    private AuditProtocol() {}

    static ProtocolId id(Network network) {
        return network.protocol("audit", "1.0.0");
    }

    static ProtocolId capacity(Network network) {
        return network.protocol("capacity", "1.0.0");
    }

    static ProtocolId seal(Network network) {
        return network.protocol("seal", "1.0.0");
    }

    /** Makes a value of an answer's fields. */
    @FunctionalInterface
    interface Reader<T> {
        T read(CborMap fields) throws MalformedException;
    }

    /** Asks a peer. @return what the reader makes of its answer; fails as {@link AuditClient} says */
    static <T> CompletableFuture<T> ask(
            Host host,
            PeerId peer,
            ProtocolId protocol,
            byte[] question,
            int maxAnswer,
            Duration patience,
            Reader<T> reader) {
        return SingleExchange.ask(
                        host,
                        peer,
                        protocol,
                        question,
                        maxAnswer,
                        patience,
                        (subject, detail) -> new PpiofsException(ErrorKind.NOT_CONNECTED, "audit", subject, detail))
                .thenApply(message -> read(peer, message, reader));
    }

    /** @throws PpiofsException as the peer refused; INVALID if it answered nonsense */
    private static <T> T read(PeerId peer, byte[] message, Reader<T> reader) {
        try {
            CborMap fields = CborDecoder.decodeMap(message);
            int status = (int) fields.uint(1, 255);
            if (status == 0) {
                return reader.read(fields);
            }
            Refusal[] refusals = Refusal.values();
            Refusal refusal = status <= refusals.length ? refusals[status - 1] : Refusal.FAILED;
            throw refusal.on(peer.toString(), fields.text(2, MAX_TEXT));
        } catch (MalformedException e) {
            throw nonsense(peer, e);
        } catch (PpiofsException e) {
            // CORRUPT is the peer's own word that it lost something; what does not open is nonsense
            throw "audit".equals(e.operation()) ? e : nonsense(peer, e);
        }
    }

    private static PpiofsException nonsense(PeerId peer, Exception e) {
        return new PpiofsException(
                ErrorKind.INVALID, "audit", peer.toString(), "it answered nonsense: " + e.getMessage(), e);
    }
}
