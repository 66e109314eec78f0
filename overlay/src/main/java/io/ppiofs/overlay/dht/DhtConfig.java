package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.host.ProtocolId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a DHT node behaves. Made by {@link #forProtocol}; every {@code with} method gives a changed copy.
 *
 * @param protocol what it speaks, {@code /ppiofs/NETWORK/kad/1.0.0}
 * @param server whether it serves others from the start
 * @param bucketSize k: peers per bucket, and how many hold a record; 20
 * @param parallelism α: requests in flight per lookup; 10
 * @param paths d: disjoint paths of a lookup (S/Kademlia); 4, or 1 for fewest messages
 * @param quorum how many values a get collects before it decides; 0 for all that the lookup finds
 * @param requestTimeout bound on one request, connecting included; 10 s
 * @param patience after which a request no longer holds up its lookup, though its answer is still welcome; 3 s
 * @param lookupTimeout bound on a whole lookup; 60 s
 * @param refreshInterval how often the routing table is refreshed; 10 min
 * @param livenessAge a peer heard of more recently is not pinged before it keeps its place; 5 min
 * @param republishInterval how often own records are stored anew; 22 h
 * @param recordLifetime how long values and provider records of others are kept; 48 h
 * @param maxPerPrefixInBucket peers of one /24 or /48 in one bucket; 2
 * @param maxPerPrefix peers of one /24 or /48 in the table; 8
 * @param exemptPrivate whether private and loopback addresses are free of that limit; true
 * @param maxValueBytes bytes of values and keys kept for others; 64 MiB
 * @param maxValueBytesPerPeer of which from one peer; 4 MiB
 * @param maxProviders provider records kept for others; 200,000
 * @param maxProvidersPerPeer of which from one peer; 50,000
 * @param requestsPerSecond what one peer may ask in the long run, with a burst of twice that; 200
 * @param bootstrap peers to begin with, and to come back to
 * @param validators by namespace; without one a namespace is refused
 */
public record DhtConfig(
        ProtocolId protocol,
        boolean server,
        int bucketSize,
        int parallelism,
        int paths,
        int quorum,
        Duration requestTimeout,
        Duration patience,
        Duration lookupTimeout,
        Duration refreshInterval,
        Duration livenessAge,
        Duration republishInterval,
        Duration recordLifetime,
        int maxPerPrefixInBucket,
        int maxPerPrefix,
        boolean exemptPrivate,
        long maxValueBytes,
        long maxValueBytesPerPeer,
        int maxProviders,
        int maxProvidersPerPeer,
        int requestsPerSecond,
        List<PeerInfo> bootstrap,
        Map<String, Validator> validators) {

    public DhtConfig {
        if (bucketSize < 1 || bucketSize > DhtMessage.MAX_PEERS || parallelism < 1 || paths < 1) {
            throw new IllegalArgumentException("bucketSize " + bucketSize + " (1…" + DhtMessage.MAX_PEERS
                    + "), parallelism " + parallelism + " and paths " + paths + " must be positive");
        }
        bootstrap = List.copyOf(bootstrap);
        validators = Map.copyOf(validators);
    }

    /** The defaults: a server, with the namespace {@code pk} only. */
    public static DhtConfig forProtocol(ProtocolId protocol) {
        return new DhtConfig(
                protocol,
                true,
                20,
                10,
                4,
                0,
                Duration.ofSeconds(10),
                Duration.ofSeconds(3),
                Duration.ofSeconds(60),
                Duration.ofMinutes(10),
                Duration.ofMinutes(5),
                Duration.ofHours(22),
                Duration.ofHours(48),
                2,
                8,
                true,
                64L << 20,
                4L << 20,
                200_000,
                50_000,
                200,
                List.of(),
                Map.of("pk", new PublicKeyValidator()));
    }

    public DhtConfig withServer(boolean value) {
        return new Copy(this).server(value).make();
    }

    public DhtConfig withPaths(int value) {
        return new Copy(this).paths(value).make();
    }

    public DhtConfig withQuorum(int value) {
        return new Copy(this).quorum(value).make();
    }

    public DhtConfig withRequestTimeouts(Duration patience, Duration request, Duration lookup) {
        return new Copy(this).timeouts(patience, request, lookup).make();
    }

    public DhtConfig withRefreshInterval(Duration value) {
        return new Copy(this).refreshInterval(value).make();
    }

    public DhtConfig withRecordTimes(Duration republish, Duration lifetime) {
        return new Copy(this).recordTimes(republish, lifetime).make();
    }

    /** Limits for peers of one /24 or /48; {@code exempt} leaves private and loopback addresses free of them. */
    public DhtConfig withDiversity(int inBucket, int inTable, boolean exempt) {
        return new Copy(this).diversity(inBucket, inTable, exempt).make();
    }

    public DhtConfig withValueLimits(long total, long perPeer) {
        return new Copy(this).valueLimits(total, perPeer).make();
    }

    public DhtConfig withProviderLimits(int total, int perPeer) {
        return new Copy(this).providerLimits(total, perPeer).make();
    }

    public DhtConfig withRequestsPerSecond(int value) {
        return new Copy(this).requestsPerSecond(value).make();
    }

    public DhtConfig withBootstrap(List<PeerInfo> value) {
        return new Copy(this).bootstrap(value).make();
    }

    /** Adds or replaces the validator of {@code /namespace/…}. */
    public DhtConfig withValidator(String namespace, Validator validator) {
        return new Copy(this).validator(namespace, validator).make();
    }

    /** Sets who judges values of every namespace that has no validator of its own; without one they are refused. */
    public DhtConfig withFallback(Validator validator) {
        return new Copy(this).validator(Validators.ANY, validator).make();
    }

    /** The fields, changeable: a record of this many would otherwise be spelled out in every method. */
    private static final class Copy {
        private final DhtConfig from;
        private boolean server;
        private int paths;
        private int quorum;
        private Duration patience;
        private Duration requestTimeout;
        private Duration lookupTimeout;
        private Duration refreshInterval;
        private Duration republishInterval;
        private Duration recordLifetime;
        private int inBucket;
        private int inTable;
        private boolean exempt;
        private long valueBytes;
        private long valueBytesPerPeer;
        private int providers;
        private int providersPerPeer;
        private int requestsPerSecond;
        private List<PeerInfo> bootstrap;
        private final Map<String, Validator> validators;

        Copy(DhtConfig from) {
            this.from = from;
            server = from.server;
            paths = from.paths;
            quorum = from.quorum;
            patience = from.patience;
            requestTimeout = from.requestTimeout;
            lookupTimeout = from.lookupTimeout;
            refreshInterval = from.refreshInterval;
            republishInterval = from.republishInterval;
            recordLifetime = from.recordLifetime;
            inBucket = from.maxPerPrefixInBucket;
            inTable = from.maxPerPrefix;
            exempt = from.exemptPrivate;
            valueBytes = from.maxValueBytes;
            valueBytesPerPeer = from.maxValueBytesPerPeer;
            providers = from.maxProviders;
            providersPerPeer = from.maxProvidersPerPeer;
            requestsPerSecond = from.requestsPerSecond;
            bootstrap = from.bootstrap;
            validators = new HashMap<>(from.validators);
        }

        Copy server(boolean value) {
            server = value;
            return this;
        }

        Copy paths(int value) {
            paths = value;
            return this;
        }

        Copy quorum(int value) {
            quorum = value;
            return this;
        }

        Copy timeouts(Duration forPatience, Duration forRequest, Duration forLookup) {
            patience = forPatience;
            requestTimeout = forRequest;
            lookupTimeout = forLookup;
            return this;
        }

        Copy refreshInterval(Duration value) {
            refreshInterval = value;
            return this;
        }

        Copy recordTimes(Duration republish, Duration lifetime) {
            republishInterval = republish;
            recordLifetime = lifetime;
            return this;
        }

        Copy diversity(int bucket, int table, boolean exemptOfIt) {
            inBucket = bucket;
            inTable = table;
            exempt = exemptOfIt;
            return this;
        }

        Copy valueLimits(long total, long perPeer) {
            valueBytes = total;
            valueBytesPerPeer = perPeer;
            return this;
        }

        Copy providerLimits(int total, int perPeer) {
            providers = total;
            providersPerPeer = perPeer;
            return this;
        }

        Copy requestsPerSecond(int value) {
            requestsPerSecond = value;
            return this;
        }

        Copy bootstrap(List<PeerInfo> value) {
            bootstrap = new ArrayList<>(value);
            return this;
        }

        Copy validator(String namespace, Validator value) {
            validators.put(namespace, value);
            return this;
        }

        DhtConfig make() {
            return new DhtConfig(
                    from.protocol,
                    server,
                    from.bucketSize,
                    from.parallelism,
                    paths,
                    quorum,
                    requestTimeout,
                    patience,
                    lookupTimeout,
                    refreshInterval,
                    from.livenessAge,
                    republishInterval,
                    recordLifetime,
                    inBucket,
                    inTable,
                    exempt,
                    valueBytes,
                    valueBytesPerPeer,
                    providers,
                    providersPerPeer,
                    requestsPerSecond,
                    bootstrap,
                    validators);
        }
    }
}
