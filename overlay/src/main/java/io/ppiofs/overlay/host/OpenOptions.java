package io.ppiofs.overlay.host;

import java.time.Duration;

/**
 * How a stream is opened.
 *
 * @param connectionClass which connection to the peer carries it
 * @param overLimited whether a limited (relayed) connection will do
 * @param dial whether to connect if there is no connection
 * @param timeout bound on connecting and negotiating together
 */
public record OpenOptions(ConnectionClass connectionClass, boolean overLimited, boolean dial, Duration timeout) {
    /** Control, no limited connections, dials, 10 s. */
    public static final OpenOptions DEFAULT =
            new OpenOptions(ConnectionClass.CONTROL, false, true, Duration.ofSeconds(10));

    public OpenOptions withClass(ConnectionClass value) {
        return new OpenOptions(value, overLimited, dial, timeout);
    }

    public OpenOptions withOverLimited(boolean value) {
        return new OpenOptions(connectionClass, value, dial, timeout);
    }

    public OpenOptions withDial(boolean value) {
        return new OpenOptions(connectionClass, overLimited, value, timeout);
    }

    public OpenOptions withTimeout(Duration value) {
        return new OpenOptions(connectionClass, overLimited, dial, value);
    }
}
