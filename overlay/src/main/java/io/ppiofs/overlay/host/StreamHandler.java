package io.ppiofs.overlay.host;

/** Accepts the inbound streams of a protocol. Called on the connection's event loop; must set a reader or reset. */
@FunctionalInterface
public interface StreamHandler {
    void onStream(Stream stream);
}
