package io.ppiofs.overlay.transport.yamux;

import io.ppiofs.overlay.transport.Violation;

/** The other side broke the protocol: the connection must end. Without stack trace, peers cause it at will. */
public final class YamuxException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Violation violation;

    YamuxException(Violation violation, String detail) {
        super(detail, null, false, false);
        this.violation = violation;
    }

    public Violation violation() {
        return violation;
    }
}
