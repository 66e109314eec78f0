/**
 * What multiplexed connections and their streams have in common, whoever multiplexes (yamux or QUIC).
 *
 * <p>{@link io.ppiofs.overlay.transport.mux.MuxedConnection} opens and admits streams and runs multistream-select on them;
 * {@link io.ppiofs.overlay.transport.mux.MuxedStream} keeps what arrives until a reader wants it, and what is written until
 * it may leave. Everything happens on the connection's event loop; public methods hop there.
 *
 * <p>Costs: an idle stream is one object and an entry in a table, about 300 bytes; queues exist only while something waits
 * in them. Bytes that arrive while the reader reads are handed on without a copy; small pieces that must wait are copied
 * together, so that one waiting byte does not keep a whole received buffer.
 */
@NullMarked
package io.ppiofs.overlay.transport.mux;

import org.jspecify.annotations.NullMarked;
