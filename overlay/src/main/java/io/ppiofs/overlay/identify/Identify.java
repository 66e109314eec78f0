package io.ppiofs.overlay.identify;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.netty.buffer.ByteBuf;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PeerRecord;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmListener;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.wire.IdentifyWire;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells and asks who is at the ends of a connection. Safe for any thread. */
public final class Identify implements SwarmListener {
    /** Asking. */
    public static final ProtocolId PROTOCOL = new ProtocolId("/ipfs/id/1.0.0");

    /** Telling of a change. */
    public static final ProtocolId PUSH = new ProtocolId("/ipfs/id/push/1.0.0");

    private static final Logger LOG = LoggerFactory.getLogger(Identify.class);
    private static final int MAX_MESSAGE = 8 * 1024;
    private static final int MAX_MESSAGES = 10;
    private static final int MAX_PROTOCOLS = 512;
    private static final int MAX_TEXT = 256;
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration DEBOUNCE = Duration.ofMillis(500);
    private static final HandlerOptions OPTIONS =
            HandlerOptions.DEFAULT.withMaxStreamsPerPeer(4).withOverLimited(true);

    private final Swarm swarm;
    private final Scheduler scheduler;
    private final String protocolVersion;
    private final String agentVersion;
    private static final Stream.Reader NOTHING_EXPECTED = new Stream.Reader() {
        @Override
        public void onData(ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {
            // the answer may still be on its way
        }

        @Override
        public void onReset(Throwable cause) {
            // sending fails, and that is heard
        }
    };

    private final RateLimit asked;
    private final RateLimit pushed;
    private final ObservedAddresses observed;
    private final Map<PeerId, Identification> known = new ConcurrentHashMap<>();
    private final Map<Connection, CompletableFuture<Identification>> running = new HashMap<>(); // on the scheduler
    private Scheduler.@Nullable Timer pending; // on the scheduler
    private final Object recordLock = new Object();
    private List<Multiaddr> recordAddresses = List.of(); // guarded by recordLock
    private byte[] record = new byte[0]; // guarded by recordLock
    private long recordSequence; // guarded by recordLock

    public Identify(Swarm swarm, String protocolVersion, String agentVersion) {
        this.swarm = swarm;
        this.scheduler = swarm.scheduler();
        this.protocolVersion = protocolVersion;
        this.agentVersion = agentVersion;
        this.asked = new RateLimit(scheduler, 64, Duration.ofMillis(250));
        this.pushed = new RateLimit(scheduler, 8, Duration.ofSeconds(2));
        this.observed = new ObservedAddresses(scheduler);
    }

    /** Begins to answer, and to ask on each new connection. */
    public void serve() {
        swarm.handle(PROTOCOL, OPTIONS, stream -> limited(asked, stream, this::answer));
        swarm.handle(PUSH, OPTIONS, stream -> limited(pushed, stream, this::receivePush));
        swarm.addListener(this);
    }

    private void limited(RateLimit limit, Stream stream, Consumer<Stream> then) {
        if (limit.allows(stream.connection().remotePeer())) {
            then.accept(stream);
        } else {
            swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
            stream.reset();
        }
    }

    /** What the peer told last, if it is connected. */
    public Optional<Identification> of(PeerId peer) {
        return Optional.ofNullable(known.get(peer));
    }

    /** Addresses of listening ports as at least this many peers of different networks saw them; completes on the scheduler. */
    public CompletableFuture<List<Multiaddr>> observed(int observers) {
        CompletableFuture<List<Multiaddr>> result = new CompletableFuture<>();
        scheduler.execute(() -> result.complete(observed.seenBy(observers)));
        return result;
    }

    // --------------------------------------------------------------------------------------------- telling

    private void answer(Stream stream) {
        stream.read(NOTHING_EXPECTED); // so that the asker's end of the stream is seen, and its place freed
        send(stream, message(stream.connection(), true));
    }

    private static void send(Stream stream, List<IdentifyWire.Identify> messages) {
        MessageChannel channel = new MessageChannel(stream, MAX_MESSAGE);
        for (IdentifyWire.Identify message : messages) {
            channel.send(message.toByteArray()).whenComplete((done, failure) -> {
                if (failure != null) {
                    stream.reset();
                }
            });
        }
        var unused = stream.closeWrite();
    }

    private List<IdentifyWire.Identify> message(Connection connection, boolean withKey) {
        List<Multiaddr> addresses = swarm.addresses();
        IdentifyWire.Identify.Builder head = IdentifyWire.Identify.newBuilder()
                .setProtocolVersion(protocolVersion)
                .setAgentVersion(agentVersion)
                .setSignedPeerRecord(ByteString.copyFrom(record(addresses)));
        if (withKey) {
            head.setPublicKey(ByteString.copyFrom(swarm.key().publicKey().toBytes()));
        }
        if (!connection.limited()) {
            head.setObservedAddr(ByteString.copyFrom(connection.remoteAddress().toBytes()));
        }
        IdentifyWire.Identify.Builder lists = IdentifyWire.Identify.newBuilder();
        addresses.forEach(address -> lists.addListenAddrs(ByteString.copyFrom(address.toBytes())));
        swarm.protocols().forEach(protocol -> lists.addProtocols(protocol.name()));
        IdentifyWire.Identify whole =
                head.build().toBuilder().mergeFrom(lists.build()).build();
        return whole.getSerializedSize() <= MAX_MESSAGE ? List.of(whole) : split(head, lists);
    }

    /** More than one message: single fields first, then the lists in pieces that fit. */
    private static List<IdentifyWire.Identify> split(
            IdentifyWire.Identify.Builder head, IdentifyWire.Identify.Builder lists) {
        List<IdentifyWire.Identify> messages = new ArrayList<>(List.of(head.build()));
        IdentifyWire.Identify.Builder piece = IdentifyWire.Identify.newBuilder();
        for (String protocol : lists.getProtocolsList()) {
            piece = fitting(messages, piece, protocol.length());
            piece.addProtocols(protocol);
        }
        for (ByteString address : lists.getListenAddrsList()) {
            piece = fitting(messages, piece, address.size());
            piece.addListenAddrs(address);
        }
        messages.add(piece.build());
        return messages.subList(0, Math.min(messages.size(), MAX_MESSAGES));
    }

    private static IdentifyWire.Identify.Builder fitting(
            List<IdentifyWire.Identify> messages, IdentifyWire.Identify.Builder piece, int next) {
        if (piece.build().getSerializedSize() + next + 8 <= MAX_MESSAGE) {
            return piece;
        }
        messages.add(piece.build());
        return IdentifyWire.Identify.newBuilder();
    }

    /** The own signed record, made anew when the addresses have changed; the sequence grows over restarts. */
    public byte[] record() {
        return record(swarm.addresses());
    }

    private byte[] record(List<Multiaddr> addresses) {
        synchronized (recordLock) {
            if (record.length == 0 || !addresses.equals(recordAddresses)) {
                recordSequence = Math.max(recordSequence + 1, scheduler.wallMillis());
                recordAddresses = addresses;
                record = new PeerRecord(swarm.id(), recordSequence, addresses)
                        .seal(swarm.key())
                        .toBytes();
            }
            return record.clone();
        }
    }

    @Override
    public void onProtocolsChanged() {
        pushSoon();
    }

    @Override
    public void onAddressesChanged(List<Multiaddr> addresses) {
        pushSoon();
    }

    private void pushSoon() {
        if (pending == null) {
            pending = scheduler.schedule(DEBOUNCE, this::push);
        }
    }

    private void push() {
        pending = null;
        OpenOptions options = OpenOptions.DEFAULT.withDial(false).withOverLimited(true);
        for (PeerId peer : swarm.connectedPeers()) {
            if (swarm.addressBook().protocols(peer).contains(PUSH)) {
                swarm.open(peer, List.of(PUSH), options).whenComplete((stream, failure) -> {
                    if (failure == null) {
                        send(stream, message(stream.connection(), true));
                    } else {
                        LOG.debug("push to {}: {}", peer, failure.getMessage());
                    }
                });
            }
        }
    }

    // ---------------------------------------------------------------------------------------------- asking

    @Override
    public void onConnection(Connection connection) {
        var unused = identify(connection);
    }

    @Override
    public void onDisconnected(PeerId peer) {
        if (!swarm.isConnected(peer)) {
            known.remove(peer);
        }
    }

    /**
     * Asks the other side of {@code connection}; a question that is under way is joined. Fails with NOT_SUPPORTED,
     * NOT_CONNECTED, or CORRUPT if the answer is not acceptable.
     */
    public CompletableFuture<Identification> identify(Connection connection) {
        CompletableFuture<Identification> result = new CompletableFuture<>();
        scheduler.execute(() -> {
            CompletableFuture<Identification> under = running.get(connection);
            if (under == null) {
                under = ask(connection);
                running.put(connection, under);
                under.whenComplete((told, failure) -> scheduler.execute(() -> running.remove(connection)));
            }
            under.whenComplete((told, failure) -> {
                if (failure == null) {
                    result.complete(told);
                } else {
                    result.completeExceptionally(failure);
                }
            });
        });
        return result;
    }

    private CompletableFuture<Identification> ask(Connection connection) {
        return connection.open(List.of(PROTOCOL)).thenCompose(this::receive);
    }

    private CompletableFuture<Identification> receive(Stream stream) {
        Collector collector = new Collector(stream);
        collector.begin();
        return collector.result.thenApplyAsync(message -> accept(stream.connection(), message, true), scheduler);
    }

    private void receivePush(Stream stream) {
        Collector collector = new Collector(stream);
        collector.begin();
        collector.result.whenCompleteAsync(
                (message, failure) -> {
                    if (failure == null) {
                        tolerate(() -> accept(stream.connection(), message, false));
                    }
                },
                scheduler);
    }

    private void tolerate(Runnable check) {
        try {
            check.run();
        } catch (PpiofsException e) {
            LOG.debug("a push was refused: {}", e.getMessage());
        }
    }

    /** Gathers the messages of one stream until its end. */
    private final class Collector implements MessageChannel.Receiver {
        private final Stream stream;
        private final IdentifyWire.Identify.Builder merged = IdentifyWire.Identify.newBuilder();
        private final CompletableFuture<IdentifyWire.Identify> result = new CompletableFuture<>();
        private int messages;

        Collector(Stream stream) {
            this.stream = stream;
        }

        void begin() {
            Scheduler.Timer timer = scheduler.schedule(TIMEOUT, () -> fail("no complete answer in time"));
            result.whenComplete((message, failure) -> timer.cancel());
            new MessageChannel(stream, MAX_MESSAGE).receive(this);
        }

        @Override
        public void onMessage(byte[] message) {
            try {
                if (++messages > MAX_MESSAGES) {
                    fail("more than " + MAX_MESSAGES + " messages");
                    return;
                }
                merged.mergeFrom(message);
            } catch (InvalidProtocolBufferException e) {
                fail("a message is not a protobuf Identify");
            }
        }

        @Override
        public void onEnd(boolean complete) {
            if (!complete || messages == 0) {
                fail("the stream ended inside a message");
                return;
            }
            var unused = stream.closeWrite();
            result.complete(merged.build());
        }

        @Override
        public void onReset(Throwable cause) {
            fail("the stream was reset");
        }

        private void fail(String detail) {
            PeerId peer = stream.connection().remotePeer();
            if (result.completeExceptionally(
                    new PpiofsException(ErrorKind.CORRUPT, "identify", peer.toString(), detail))) {
                swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
                stream.reset();
            }
        }
    }

    // -------------------------------------------------------------------------------------------- believing

    /** Checks and takes over what a peer told; on the scheduler. A push may leave fields out: they stay. */
    private Identification accept(Connection connection, IdentifyWire.Identify message, boolean whole) {
        PeerId peer = connection.remotePeer();
        Identification before = known.get(peer);
        checkKey(connection, message);
        Optional<PeerRecord> signed = checkRecord(connection, message);
        List<Multiaddr> told =
                signed.map(PeerRecord::addresses).orElseGet(() -> addresses(message.getListenAddrsList()));
        List<Multiaddr> addresses = credible(connection, told);
        if (signed.isPresent()) {
            PeerRecord credible = new PeerRecord(peer, signed.get().sequence(), addresses);
            boolean fresh = swarm.addressBook()
                    .consume(credible, message.getSignedPeerRecord().toByteArray());
            LOG.trace("record of {} is {}", peer, fresh ? "new" : "known or older");
        } else {
            swarm.addressBook().addAddresses(peer, addresses, io.ppiofs.overlay.host.AddressBook.CONFIRMED);
        }
        Set<ProtocolId> protocols = protocols(message, whole || before == null ? Set.of() : before.protocols());
        Identification told2 = new Identification(
                text(message.getProtocolVersion(), before == null ? "" : before.protocolVersion()),
                text(message.getAgentVersion(), before == null ? "" : before.agentVersion()),
                protocols,
                addresses,
                Multiaddr.read(message.getObservedAddr().toByteArray()),
                signed.isPresent());
        if (connection.isOpen()) {
            known.put(peer, told2);
        }
        told2.observed().ifPresent(address -> observe(connection, address));
        swarm.identified(peer, protocols, told2.agentVersion());
        return told2;
    }

    /** A key may be left out: the handshake has proven it. */
    private void checkKey(Connection connection, IdentifyWire.Identify message) {
        if (!message.hasPublicKey()) {
            return;
        }
        byte[] told = message.getPublicKey().toByteArray();
        try {
            if (connection.remotePeer().names(PublicKey.parse(told))) {
                return;
            }
        } catch (PpiofsException e) {
            LOG.debug("the key does not parse", e);
        }
        throw refuse(connection, "it told another key than the connection's");
    }

    private Optional<PeerRecord> checkRecord(Connection connection, IdentifyWire.Identify message) {
        if (message.getSignedPeerRecord().isEmpty()) {
            return Optional.empty();
        }
        PeerRecord signed;
        try {
            signed = PeerRecord.open(message.getSignedPeerRecord().toByteArray());
        } catch (PpiofsException e) {
            throw refuse(connection, "its peer record does not check: " + e.getMessage());
        }
        if (!signed.peer().equals(connection.remotePeer())) {
            throw refuse(connection, "it sent the record of another peer");
        }
        return Optional.of(signed);
    }

    private PpiofsException refuse(Connection connection, String detail) {
        swarm.metrics().refused(SwarmMetrics.Refusal.RECORD);
        var unused = connection.close();
        return new PpiofsException(
                ErrorKind.CORRUPT, "identify", connection.remotePeer().toString(), detail);
    }

    private static List<Multiaddr> addresses(List<ByteString> encoded) {
        return encoded.stream()
                .limit(PeerRecord.MAX_ADDRESSES)
                .flatMap(bytes -> Multiaddr.read(bytes.toByteArray()).stream())
                .toList();
    }

    /** A peer that is reached from afar must not make us dial our own machine or network. */
    private static List<Multiaddr> credible(Connection connection, List<Multiaddr> told) {
        AddressScope from = AddressScope.of(connection.remoteAddress());
        return told.stream()
                .map(Multiaddr::withoutPeer)
                .filter(address -> switch (AddressScope.of(address)) {
                    case LOOPBACK -> from == AddressScope.LOOPBACK || from == AddressScope.OTHER;
                    case LINK_LOCAL -> from == AddressScope.LINK_LOCAL || from == AddressScope.LOOPBACK;
                    case PRIVATE -> from != AddressScope.PUBLIC;
                    case PUBLIC, NAMED, RELAYED, OTHER -> true;
                })
                .toList();
    }

    private static Set<ProtocolId> protocols(IdentifyWire.Identify message, Set<ProtocolId> before) {
        if (message.getProtocolsCount() == 0) {
            return before;
        }
        Set<ProtocolId> protocols = new HashSet<>();
        for (String name : message.getProtocolsList()) {
            boolean named = name.startsWith("/")
                    && name.length() <= ProtocolId.MAX_LENGTH
                    && name.chars().allMatch(c -> c > 0x20 && c < 0x7f);
            if (named && protocols.size() < MAX_PROTOCOLS) {
                protocols.add(new ProtocolId(name));
            }
        }
        return protocols;
    }

    /** For people and logs: bounded, printable. */
    private static String text(String told, String before) {
        if (told.isEmpty()) {
            return before;
        }
        String printable = told.replaceAll("\\p{Cntrl}", "?");
        return printable.length() > MAX_TEXT ? printable.substring(0, MAX_TEXT) : printable;
    }

    private void observe(Connection connection, Multiaddr address) {
        if (observed.add(connection, address, swarm.listening())) {
            swarm.announce("observed", observed.seenBy(swarm.options().book().observers()));
        }
    }
}
