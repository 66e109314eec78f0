package io.ppiofs.overlay.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.Transport;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Dials a peer under several addresses: direct before relayed, nearer before farther, each attempt a stagger after the
 * one before (the idea of RFC 8305), the first that is admitted wins. An address that turns the connection away before the
 * handshake (BUSY: js-libp2p takes five connections per second from one address) is tried again within the time of an
 * attempt, and only then backed off from. State is on the scheduler only.
 */
final class Dialer {
    private static final int RETRIES = 3;
    private static final Duration RETRY_PAUSE = Duration.ofSeconds(1);

    private record Target(PeerId peer, ConnectionClass connectionClass) {}

    private final Scheduler scheduler;
    private final SwarmOptions.Dialing limits;
    private final List<Transport> transports;
    private final PeerStore book;
    private final ConnectionGate gate;
    private final SwarmMetrics metrics;
    private final Supplier<? extends Collection<Multiaddr>> own;
    private final Function<Connection, CompletableFuture<Connection>> register;
    private final BackOff backOff;
    private final Map<Target, Job> jobs = new HashMap<>();
    private final Deque<Job> waiting = new ArrayDeque<>();
    private int running;

    /**
     * @param own addresses of this host, which are not dialled
     * @param register admits a new connection; called on whatever thread the transport completes
     */
    Dialer(
            Scheduler scheduler,
            SwarmOptions.Dialing limits,
            List<Transport> transports,
            PeerStore book,
            ConnectionGate gate,
            SwarmMetrics metrics,
            Supplier<? extends Collection<Multiaddr>> own,
            Function<Connection, CompletableFuture<Connection>> register) {
        this.scheduler = scheduler;
        this.limits = limits;
        this.transports = transports;
        this.book = book;
        this.gate = gate;
        this.metrics = metrics;
        this.own = own;
        this.register = register;
        this.backOff = new BackOff(scheduler, limits.backOffFirst(), limits.backOffMax());
    }

    /** Dials the peer, or joins a dial that is under way. The result completes on the scheduler or a transport's loop. */
    CompletableFuture<Connection> dial(PeerId peer, ConnectionClass connectionClass) {
        Target target = new Target(peer, connectionClass);
        Job job = jobs.get(target);
        if (job != null && !job.overtaken()) {
            return job.result;
        }
        List<Multiaddr> known = dialable(peer, book.addresses(peer));
        if (known.isEmpty()) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    "dial",
                    peer.toString(),
                    "no address of this peer is known that can be dialled"));
        }
        List<Multiaddr> allowed =
                known.stream().filter(address -> !backOff.active(peer, address)).toList();
        if (allowed.isEmpty()) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.BUSY,
                    "dial",
                    peer.toString(),
                    "all " + known.size() + " addresses failed a short time ago; try again later"));
        }
        return start(target, allowed);
    }

    /** Dials exactly these addresses, whatever the back-off says. */
    CompletableFuture<Connection> dialAddresses(PeerId peer, List<Multiaddr> addresses) {
        List<Multiaddr> one = dialable(peer, addresses);
        if (one.isEmpty()) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "dial",
                    addresses.toString(),
                    "no transport of this node takes this address, or the gate forbids it"));
        }
        Job job = new Job(new Target(peer, ConnectionClass.CONTROL), one);
        job.next();
        return job.result;
    }

    private CompletableFuture<Connection> start(Target target, List<Multiaddr> addresses) {
        Job job = new Job(target, addresses);
        jobs.put(target, job);
        job.result.whenComplete((connection, failure) -> scheduler.execute(() -> jobs.remove(target, job)));
        job.next();
        return job.result;
    }

    private List<Multiaddr> dialable(PeerId peer, List<Multiaddr> addresses) {
        Set<Multiaddr> mine = new LinkedHashSet<>(own.get());
        return addresses.stream()
                .map(address -> target(peer, address))
                .filter(address -> !mine.contains(address) && transport(address).isPresent())
                .filter(address -> gate.mayDial(peer, address))
                .sorted(Comparator.comparingInt(Dialer::rank))
                .limit(limits.addresses())
                .toList();
    }

    /** A circuit address names its far end; others do not. */
    private static Multiaddr target(PeerId peer, Multiaddr address) {
        return address.has(AddressProtocol.P2P_CIRCUIT) ? address.withPeer(peer) : address.withoutPeer();
    }

    /** Lower first. The order of the book is kept among equals, so the address that worked last comes first. */
    private static int rank(Multiaddr address) {
        return switch (AddressScope.of(address)) {
            case OTHER, LOOPBACK -> 0;
            case LINK_LOCAL, PRIVATE -> 1;
            case PUBLIC, NAMED -> 2;
            case RELAYED -> 3;
        };
    }

    private Optional<Transport> transport(Multiaddr address) {
        return transports.stream().filter(t -> t.dials(address)).findFirst();
    }

    private void resumeWaiting() {
        while (running < limits.parallel() && !waiting.isEmpty()) {
            waiting.poll().next();
        }
    }

    private static ErrorKind kind(Throwable failure) {
        Throwable cause = cause(failure);
        return cause instanceof PpiofsException known ? known.kind() : ErrorKind.NOT_CONNECTED;
    }

    private static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    /** One peer that is being dialled. */
    private final class Job {
        private final Target target;
        private final List<Multiaddr> addresses;
        private final CompletableFuture<Connection> result = new CompletableFuture<>();
        private final AtomicBoolean won = new AtomicBoolean();
        private final List<String> failures = new ArrayList<>();
        private final long began = scheduler.nanoTime();
        private final Map<Multiaddr, Integer> retries = new HashMap<>(2);
        private int at;
        private int active;
        private int pausing;
        private boolean refused;
        private Scheduler.@Nullable Timer timer;

        Job(Target target, List<Multiaddr> addresses) {
            this.target = target;
            this.addresses = new ArrayList<>(addresses);
        }

        /** Whether its connection has ended already. */
        boolean overtaken() {
            return result.isDone()
                    && !result.isCompletedExceptionally()
                    && !result.join().isOpen();
        }

        /** Begins the next attempt if there is one and limits allow it. */
        void next() {
            if (result.isDone() || won.get() || at == addresses.size() || active >= limits.perPeer()) {
                return;
            }
            boolean relayed = relayed(at);
            if (!relayed && running >= limits.parallel()) {
                await();
                return;
            }
            Multiaddr address = addresses.get(at++);
            attempt(address, relayed);
            if (at < addresses.size()) {
                Duration pause = relayed(at) && !relayed ? limits.relayDelay() : limits.stagger();
                timer = scheduler.schedule(pause, this::next);
            }
        }

        /** A relayed attempt dials its relay first; counting it could let all attempts wait for each other. */
        private boolean relayed(int index) {
            return AddressScope.of(addresses.get(index)) == AddressScope.RELAYED;
        }

        private void await() {
            if (waiting.size() >= limits.waiting()) {
                fail(ErrorKind.BUSY, limits.waiting() + " dials wait already; try again later");
            } else if (!waiting.contains(this)) {
                waiting.add(this);
            }
        }

        private void attempt(Multiaddr address, boolean relayed) {
            active++;
            running += relayed ? 0 : 1;
            long began = scheduler.nanoTime();
            Transport transport = transport(address).orElseThrow();
            transport
                    .dial(address, target.peer, target.connectionClass, limits.timeout())
                    .thenCompose(this::winner)
                    .whenComplete((connection, failure) -> scheduler.execute(() -> {
                        active--;
                        running -= relayed ? 0 : 1;
                        ended(address, connection, failure, Duration.ofNanos(scheduler.nanoTime() - began));
                        resumeWaiting();
                    }));
        }

        /** The first connection is registered on the thread that made it, before its streams arrive; others are closed. */
        private CompletableFuture<Connection> winner(Connection raw) {
            if (!won.compareAndSet(false, true)) {
                var unused = raw.close();
                return CompletableFuture.failedFuture(
                        PpiofsException.expected(ErrorKind.EXISTS, "dial", "a faster address won"));
            }
            return register.apply(raw);
        }

        private void ended(
                Multiaddr address, @Nullable Connection connection, @Nullable Throwable failure, Duration took) {
            if (failure == null && connection != null) {
                metrics.dialled(SwarmMetrics.DialResult.CONNECTED, took);
                backOff.succeeded(target.peer, address);
                book.reached(target.peer, address);
                stopTimer();
                result.complete(connection);
                return;
            }
            ErrorKind kind = kind(failure == null ? new IllegalStateException("no connection") : failure);
            if (kind == ErrorKind.BUSY && mayRetry(address)) {
                metrics.dialled(SwarmMetrics.DialResult.REFUSED, took);
                retryLater(address);
            } else if (kind != ErrorKind.EXISTS) {
                attemptFailed(address, kind, failure, took);
            }
            boolean tried = at == addresses.size() && pausing == 0;
            if (!result.isDone() && active == 0 && (tried || refused)) {
                int distinct = Set.copyOf(addresses).size();
                fail(
                        refused ? ErrorKind.ACCESS_DENIED : ErrorKind.NOT_CONNECTED,
                        "none of " + distinct + " addresses leads there: " + String.join("; ", failures));
            } else {
                stopTimer();
                next();
            }
        }

        private boolean mayRetry(Multiaddr address) {
            Duration soFar = Duration.ofNanos(scheduler.nanoTime() - began);
            return !won.get()
                    && !result.isDone()
                    && retries.getOrDefault(address, 0) < RETRIES
                    && soFar.plus(RETRY_PAUSE).compareTo(limits.timeout()) < 0;
        }

        /** At a moment of its own, so that those who were turned away together do not come back together. */
        private void retryLater(Multiaddr address) {
            retries.merge(address, 1, Integer::sum);
            pausing++;
            long pause =
                    RETRY_PAUSE.toMillis() / 2 + ThreadLocalRandom.current().nextLong(RETRY_PAUSE.toMillis());
            scheduler.schedule(Duration.ofMillis(pause), () -> {
                pausing--;
                addresses.add(address);
                stopTimer();
                next();
            });
        }

        private void attemptFailed(Multiaddr address, ErrorKind kind, @Nullable Throwable failure, Duration took) {
            boolean denied = kind == ErrorKind.ACCESS_DENIED;
            metrics.dialled(
                    won.get()
                            ? SwarmMetrics.DialResult.REFUSED
                            : denied ? SwarmMetrics.DialResult.WRONG_PEER : SwarmMetrics.DialResult.UNREACHABLE,
                    took);
            refused |= won.get();
            backOff.failed(target.peer, address);
            book.failed(target.peer, address);
            if (failures.size() < 3 && failure != null) {
                failures.add(address + ": " + cause(failure).getMessage());
            }
        }

        private void fail(ErrorKind kind, String detail) {
            stopTimer();
            result.completeExceptionally(new PpiofsException(kind, "dial", target.peer.toString(), detail));
        }

        private void stopTimer() {
            if (timer != null) {
                timer.cancel();
                timer = null;
            }
        }
    }
}
