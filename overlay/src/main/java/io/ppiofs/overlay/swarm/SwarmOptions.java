package io.ppiofs.overlay.swarm;

import java.time.Duration;

/** Every limit of the swarm in one place. */
public record SwarmOptions(Pool pool, Inbound inbound, Dialing dialing, Book book) {
    /** An ordinary peer. */
    public static final SwarmOptions DEFAULT =
            new SwarmOptions(Pool.DEFAULT, Inbound.DEFAULT, Dialing.DEFAULT, Book.DEFAULT);

    /** A super peer: eight times the connections. */
    public SwarmOptions forSuperPeer() {
        return withPool(pool.withConnections(pool.lowWater * 8, pool.highWater * 8, pool.most * 8));
    }

    public SwarmOptions withPool(Pool value) {
        return new SwarmOptions(value, inbound, dialing, book);
    }

    public SwarmOptions withInbound(Inbound value) {
        return new SwarmOptions(pool, value, dialing, book);
    }

    public SwarmOptions withDialing(Dialing value) {
        return new SwarmOptions(pool, inbound, value, book);
    }

    public SwarmOptions withBook(Book value) {
        return new SwarmOptions(pool, inbound, dialing, value);
    }

    /**
     * Which connections stay.
     *
     * @param lowWater connections that pruning leaves
     * @param highWater connections above which the least valuable ones are closed
     * @param most inbound connections are refused from here on
     * @param grace age below which a connection is not pruned
     * @param idle a connection without streams and without tags is closed after this time
     * @param duplicateGrace how long the losing one of two connections made at once is kept without streams
     */
    public record Pool(int lowWater, int highWater, int most, Duration grace, Duration idle, Duration duplicateGrace) {
        public static final Pool DEFAULT =
                new Pool(1_536, 2_048, 3_072, Duration.ofSeconds(20), Duration.ofMinutes(5), Duration.ofSeconds(2));

        public Pool {
            if (lowWater < 1 || highWater < lowWater || most < highWater) {
                throw new IllegalArgumentException(
                        "expected 1 ≤ lowWater ≤ highWater ≤ most, not " + lowWater + ", " + highWater + ", " + most);
            }
        }

        public Pool withConnections(int low, int high, int max) {
            return new Pool(low, high, max, grace, idle, duplicateGrace);
        }

        public Pool withGrace(Duration value) {
            return new Pool(lowWater, highWater, most, value, idle, duplicateGrace);
        }

        public Pool withIdle(Duration value) {
            return new Pool(lowWater, highWater, most, grace, value, duplicateGrace);
        }
    }

    /**
     * What others may take of us.
     *
     * @param perPeer inbound connections of one peer at once
     * @param perPrefix inbound connections from one IPv4 /24 or IPv6 /56 at once; loopback is free
     * @param gateTimeout bound on the check of the {@link ConnectionGate}
     * @param streamsBeforeAdmission inbound streams that wait for that check
     */
    public record Inbound(int perPeer, int perPrefix, Duration gateTimeout, int streamsBeforeAdmission) {
        public static final Inbound DEFAULT = new Inbound(8, 256, Duration.ofSeconds(10), 64);
    }

    /**
     * How peers are dialled.
     *
     * @param bulkPerPeer outbound connections of class BULK to one peer
     * @param parallel attempts at once
     * @param waiting attempts that wait for their turn
     * @param perPeer attempts at once to one peer
     * @param addresses addresses that are tried for one peer
     * @param timeout bound on one attempt, handshake included
     * @param stagger wait before the next address is tried beside the earlier ones (as RFC 8305)
     * @param relayDelay wait before relayed addresses are tried if there are direct ones
     * @param backOffFirst pause after a first failure of an address; doubles up to {@code backOffMax}
     * @param negotiation bound on opening one stream on an open connection
     */
    public record Dialing(
            int bulkPerPeer,
            int parallel,
            int waiting,
            int perPeer,
            int addresses,
            Duration timeout,
            Duration stagger,
            Duration relayDelay,
            Duration backOffFirst,
            Duration backOffMax,
            Duration negotiation) {
        public static final Dialing DEFAULT = new Dialing(
                4,
                64,
                1_024,
                8,
                24,
                Duration.ofSeconds(8),
                Duration.ofMillis(250),
                Duration.ofMillis(500),
                Duration.ofSeconds(5),
                Duration.ofMinutes(5),
                Duration.ofSeconds(10));

        public Dialing withTimeout(Duration value) {
            return new Dialing(
                    bulkPerPeer,
                    parallel,
                    waiting,
                    perPeer,
                    addresses,
                    value,
                    stagger,
                    relayDelay,
                    backOffFirst,
                    backOffMax,
                    negotiation);
        }

        public Dialing withBackOff(Duration first, Duration max) {
            return new Dialing(
                    bulkPerPeer,
                    parallel,
                    waiting,
                    perPeer,
                    addresses,
                    timeout,
                    stagger,
                    relayDelay,
                    first,
                    max,
                    negotiation);
        }
    }

    /**
     * What is remembered.
     *
     * @param peers peers in the address book
     * @param addressesPerPeer addresses kept of one peer
     * @param observers peers of different prefixes that must have seen an address before it is announced
     * @param announced addresses that are announced
     */
    public record Book(int peers, int addressesPerPeer, int observers, int announced) {
        public static final Book DEFAULT = new Book(10_000, 32, 2, 32);
    }
}
