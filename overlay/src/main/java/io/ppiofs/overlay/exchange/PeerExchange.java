package io.ppiofs.overlay.exchange;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identify.Identify;
import io.ppiofs.overlay.identify.RateLimit;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PeerRecord;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.wire.ExchangeWire;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks peers for peers and answers likewise. Safe for any thread. */
public final class PeerExchange implements HostListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PeerExchange.class);
    private static final int MAX_RECORDS = 16;
    private static final int MAX_REQUEST = 64;
    private static final int MAX_RESPONSE = 64 * 1024;
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration PERIOD = Duration.ofMinutes(2);

    private final Swarm swarm;
    private final Identify identify;
    private final ProtocolId protocol;
    private final RateLimit asked;
    private final Scheduler.Timer timer;

    /** @param network the network's id, or empty for {@code /ppiofs/peers/1.0.0} */
    public PeerExchange(Swarm swarm, Identify identify, String network) {
        this.swarm = swarm;
        this.identify = identify;
        this.protocol =
                new ProtocolId(network.isEmpty() ? "/ppiofs/peers/1.0.0" : "/ppiofs/" + network + "/peers/1.0.0");
        this.asked = new RateLimit(swarm.scheduler(), 4, Duration.ofSeconds(10));
        this.timer = swarm.scheduler().scheduleRepeating(PERIOD, this::askSomebody);
    }

    public ProtocolId protocol() {
        return protocol;
    }

    /** Begins to answer, and to ask each new peer that speaks the protocol. */
    public void serve() {
        swarm.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2), this::accept);
        swarm.addListener(this);
    }

    @Override
    public void close() {
        timer.cancel();
        swarm.removeListener(this);
        swarm.unhandle(protocol);
    }

    // -------------------------------------------------------------------------------------------- answering

    private void accept(Stream stream) {
        if (!asked.allows(stream.connection().remotePeer())) {
            swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
            stream.reset();
            return;
        }
        Scheduler.Timer late = swarm.scheduler().schedule(TIMEOUT, stream::reset);
        new MessageChannel(stream, MAX_REQUEST).receive(new MessageChannel.Receiver() {
            private boolean answered;

            @Override
            public void onMessage(byte[] message) {
                late.cancel();
                if (answered) {
                    stream.reset();
                    return;
                }
                answered = true;
                answer(stream, message);
            }

            @Override
            public void onEnd(boolean complete) {
                late.cancel();
            }

            @Override
            public void onReset(Throwable cause) {
                late.cancel();
            }
        });
    }

    private void answer(Stream stream, byte[] request) {
        int wanted;
        try {
            wanted = ExchangeWire.PeersRequest.parseFrom(request).getCount();
        } catch (InvalidProtocolBufferException e) {
            swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
            stream.reset();
            return;
        }
        PeerId asker = stream.connection().remotePeer();
        List<PeerId> peers = new ArrayList<>(swarm.connectedPeers());
        peers.remove(asker);
        Collections.shuffle(peers);
        ExchangeWire.PeersResponse.Builder response = ExchangeWire.PeersResponse.newBuilder();
        response.addRecords(ByteString.copyFrom(identify.record()));
        int most = Math.max(1, Math.min(wanted, MAX_RECORDS));
        for (PeerId peer : peers) {
            byte[] record = swarm.addressBook().record(peer);
            boolean fits = response.build().getSerializedSize() + record.length + 8 <= MAX_RESPONSE;
            if (record.length > 0 && fits && response.getRecordsCount() < most) {
                response.addRecords(ByteString.copyFrom(record));
            }
        }
        var unused =
                new MessageChannel(stream, MAX_RESPONSE).send(response.build().toByteArray());
        var ignored = stream.closeWrite();
    }

    // ----------------------------------------------------------------------------------------------- asking

    @Override
    public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
        if (protocols.contains(protocol) && swarm.connectedPeers().size() < MAX_RECORDS) {
            var unused = ask(peer);
        }
    }

    private void askSomebody() {
        List<PeerId> speakers = new ArrayList<>(swarm.connectedPeers());
        speakers.removeIf(peer -> !swarm.addressBook().protocols(peer).contains(protocol));
        if (!speakers.isEmpty()) {
            Collections.shuffle(speakers);
            var unused = ask(speakers.get(0));
        }
    }

    /** Asks one connected peer; the valid records go to the address book and are the result. */
    public CompletableFuture<List<PeerRecord>> ask(PeerId peer) {
        return swarm.open(peer, List.of(protocol), OpenOptions.DEFAULT.withDial(false))
                .thenCompose(this::question)
                .whenComplete((records, failure) -> {
                    if (failure != null) {
                        LOG.debug("ask {} for peers: {}", peer, failure.toString());
                    }
                });
    }

    private CompletableFuture<List<PeerRecord>> question(Stream stream) {
        CompletableFuture<List<PeerRecord>> result = new CompletableFuture<>();
        Scheduler.Timer late = swarm.scheduler().schedule(TIMEOUT, () -> {
            if (result.completeExceptionally(ended(stream, "no answer in time"))) {
                stream.reset();
            }
        });
        result.whenComplete((records, failure) -> late.cancel());
        MessageChannel channel = new MessageChannel(stream, MAX_RESPONSE);
        channel.receive(new MessageChannel.Receiver() {
            @Override
            public void onMessage(byte[] message) {
                try {
                    result.complete(believe(stream, ExchangeWire.PeersResponse.parseFrom(message)));
                    var unused = stream.closeWrite();
                } catch (InvalidProtocolBufferException e) {
                    swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
                    result.completeExceptionally(ended(stream, "it sent something else than peers"));
                    stream.reset();
                }
            }

            @Override
            public void onEnd(boolean complete) {
                result.completeExceptionally(ended(stream, "the stream ended without an answer"));
            }

            @Override
            public void onReset(Throwable cause) {
                result.completeExceptionally(ended(stream, "the stream was reset"));
            }
        });
        byte[] request = ExchangeWire.PeersRequest.newBuilder()
                .setCount(MAX_RECORDS)
                .build()
                .toByteArray();
        var unused = channel.send(request);
        return result;
    }

    private static PpiofsException ended(Stream stream, String detail) {
        return new PpiofsException(
                ErrorKind.NOT_CONNECTED,
                "ask for peers",
                stream.connection().remotePeer().toString(),
                detail);
    }

    private List<PeerRecord> believe(Stream stream, ExchangeWire.PeersResponse response) {
        boolean far = AddressScope.of(stream.connection().remoteAddress()).global();
        List<PeerRecord> records = new ArrayList<>();
        for (ByteString encoded : response.getRecordsList()) {
            if (records.size() == MAX_RECORDS) {
                break;
            }
            try {
                byte[] envelope = encoded.toByteArray();
                PeerRecord record = PeerRecord.open(envelope);
                if (!record.peer().equals(swarm.id())) {
                    swarm.addressBook().consume(credible(record, far), envelope);
                    records.add(record);
                }
            } catch (PpiofsException e) {
                swarm.metrics().refused(SwarmMetrics.Refusal.RECORD);
                LOG.debug("a record that {} passed on: {}", stream.connection().remotePeer(), e.getMessage());
            }
        }
        return records;
    }

    /** Somebody far away must not make us dial our own network. */
    private static PeerRecord credible(PeerRecord record, boolean far) {
        List<Multiaddr> addresses = record.addresses().stream()
                .filter(address -> switch (AddressScope.of(address)) {
                    case LOOPBACK, LINK_LOCAL, PRIVATE -> !far;
                    case PUBLIC, NAMED, RELAYED, OTHER -> true;
                })
                .toList();
        return new PeerRecord(record.peer(), record.sequence(), addresses);
    }
}
