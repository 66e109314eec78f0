package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ProtocolId;
import java.time.Duration;

/** What the swarm tells a metrics system. Called on hot paths from any thread: must be quick and must not throw. */
public interface SwarmMetrics {
    /** Counts nothing. */
    SwarmMetrics NONE = new SwarmMetrics() {};

    /** How an attempt to one address ended. */
    enum DialResult {
        CONNECTED,
        UNREACHABLE,
        WRONG_PEER,
        REFUSED
    }

    /** Why something of another peer was not taken. */
    enum Refusal {
        /** Too many connections of one peer. */
        PEER_LIMIT,
        /** Too many connections from one prefix. */
        PREFIX_LIMIT,
        /** Too many connections. */
        TOTAL_LIMIT,
        /** The gate said no, or did not answer. */
        GATE,
        /** Our own node. */
        SELF,
        /** The protocol's access rule said no. */
        ACCESS,
        /** Too many streams of a protocol from one peer. */
        STREAM_LIMIT,
        /** A message that is malformed, too long, too late or too frequent. */
        MISBEHAVIOUR,
        /** A signed record of another peer, or an older one than is known. */
        RECORD,
        /** The relay refused a reservation or circuit. */
        RELAY_LIMIT
    }

    default void connectionOpened(Connection connection) {}

    default void connectionClosed(Connection connection, Duration age) {}

    default void dialled(DialResult result, Duration took) {}

    default void refused(Refusal why) {}

    default void received(ProtocolId protocol, long bytes) {}

    default void sent(ProtocolId protocol, long bytes) {}

    /** Bytes that this node carried as a relay for others. */
    default void relayed(long bytes) {}

    /** The outcome of an attempt to replace a relayed connection by a direct one. */
    default void holePunched(boolean succeeded) {}
}
