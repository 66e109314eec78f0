/**
 * TLS 1.3 as libp2p uses it (specification "tls"): both sides show a self-signed certificate whose extension binds it to the
 * peer's key.
 *
 * <p>{@link io.ppiofs.overlay.transport.tls.PeerCertificate} makes and checks certificates; {@link
 * io.ppiofs.overlay.transport.tls.TlsContext} has the configured engines, BoringSSL where it loads and the JDK's otherwise.
 * QUIC uses the same certificates.
 *
 * <p>Promises: no version below 1.3, no connection without a valid certificate of the other side, no names, no resumption.
 * The certificate is made once per transport. Costs: a handshake is below 2 ms with BoringSSL and some 5 ms with the JDK;
 * bulk is the engine's speed.
 */
@NullMarked
package io.ppiofs.overlay.transport.tls;

import org.jspecify.annotations.NullMarked;
