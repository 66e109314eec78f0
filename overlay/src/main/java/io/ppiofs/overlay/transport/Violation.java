package io.ppiofs.overlay.transport;

/** Why a connection or stream of a peer was ended by this side: what peers that keep to the specifications never cause. */
public enum Violation {
    /** A frame or message that is not of its protocol. */
    MALFORMED,
    /** More bytes than a length limit allows. */
    OVERSIZED,
    /** More bytes on a stream than its window, or a window beyond 2^31. */
    WINDOW,
    /** A frame for a stream that was never opened, or of the wrong side's numbers. */
    UNKNOWN_STREAM,
    /** Data for closed streams beyond what could have been on its way. */
    DATA_AFTER_CLOSE,
    /** More streams than the limit, again and again. */
    STREAM_FLOOD,
    /** More control frames than the answers can leave. */
    CONTROL_FLOOD,
    /** More unread bytes on one connection than its bound; the stream is reset. */
    UNREAD_DATA,
    /** A protocol was not agreed on in time. */
    SLOW_NEGOTIATION,
    /** The handshake did not end in time. */
    SLOW_HANDSHAKE,
    /** The handshake failed: a certificate, key or signature is wrong. */
    BAD_HANDSHAKE,
    /** Another peer than the expected one answered. */
    WRONG_PEER,
    /** Too many handshakes at once: the new connection was dropped. */
    TOO_MANY_HANDSHAKES,
    /** No answer to a keep-alive in time. */
    KEEP_ALIVE
}
