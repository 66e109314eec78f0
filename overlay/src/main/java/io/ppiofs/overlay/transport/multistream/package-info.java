/**
 * multistream-select 1.0: how two sides agree on a protocol by name (libp2p specification "connections", multistream).
 *
 * <p>{@link io.ppiofs.overlay.transport.multistream.Negotiation} is the state machine, free of threads and sockets; {@link
 * io.ppiofs.overlay.transport.multistream.NegotiationHandler} runs it on a Netty channel (security, multiplexer); streams
 * run it in {@code transport.mux}.
 *
 * <p>Promises: a line is at most 1,024 bytes, a responder reads at most 64 lines; what follows the agreement is left unread
 * in the buffer. The initiator sends the header and its first proposal in one write, so that agreement costs one round
 * trip; it never waits for a header before it has proposed, and so two sides cannot wait for each other. Times are kept by
 * the callers. Cost: a few hundred nanoseconds and one small array per negotiation.
 */
@NullMarked
package io.ppiofs.overlay.transport.multistream;

import org.jspecify.annotations.NullMarked;
