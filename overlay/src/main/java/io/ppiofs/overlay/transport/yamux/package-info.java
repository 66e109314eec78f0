/**
 * yamux 1.0.0: many streams over one secured byte stream (libp2p specification "yamux").
 *
 * <p>Start at {@link io.ppiofs.overlay.transport.yamux.YamuxConnection}. {@link
 * io.ppiofs.overlay.transport.yamux.FrameParser} cuts frames without collecting them; {@link
 * io.ppiofs.overlay.transport.yamux.SendScheduler} says who sends next.
 *
 * <p>Receiving: each stream has 256 KiB of credit at first; half consumed, it is renewed. A stream that uses its credit up
 * within four of the shortest round trips gets twice as much, up to 16 MiB and under a budget per connection and host; so a
 * long transfer fills the path but no long queue, behind which a ping would wait. Bulk streams get more at once. Payload is passed on as slices of the received buffers, never collected. Sending: frames of at most one
 * TLS record, streams with little to send first (eight of them, then one of the others), and never more queued than the
 * socket's write-buffer mark, so that a ping waits for some 64 KiB at most (and for what the kernel has buffered).
 *
 * <p>Costs: one copy of each payload byte when sending (header and data share a buffer, and so a TLS record); about 400
 * bytes for an idle stream, no timer; one timer per connection.
 */
@NullMarked
package io.ppiofs.overlay.transport.yamux;

import org.jspecify.annotations.NullMarked;
