package io.ppiofs.overlay.gossip;

import io.netty.buffer.ByteBuf;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One connected peer: its subscriptions, its allowances for this heartbeat, and the one stream on which we write to it. The
 * stream is opened again, after a growing pause, as long as the peer stays connected. On the host's scheduler.
 */
final class PeerLink {
    private static final int MAX_ATTEMPTS = 6;
    private static final int DONT_WANT_HEARTBEATS = 3;
    private static final int MAX_DONT_WANT = 2_048;

    private final Host host;
    private final PeerId peer;
    private final Outbox outbox;
    private final GossipCounters counters;
    private final Supplier<byte[]> greeting;
    private final int maxFrame;
    private final boolean dialled;

    final Set<String> topics = new LinkedHashSet<>();
    private final Map<MessageId, Integer> unwanted = new HashMap<>();
    private GossipProtocol protocol = GossipProtocol.MESHSUB_1_1;
    private @Nullable Stream stream;
    private boolean opening;
    private boolean closed;
    private int attempts;

    /** IHAVE frames of this heartbeat. */
    int haves;
    /** Ids asked for in this heartbeat. */
    int asked;
    /** Messages of this peer that are being validated. */
    int validating;
    /** Whether the peer names messages by key instead of peer id, as js-libp2p does; learnt from what it writes. */
    boolean keyFormIds;

    /** @param greeting the frame with all our subscriptions, made when a stream is open */
    PeerLink(Host host, PeerId peer, GossipOptions options, GossipCounters counters, Supplier<byte[]> greeting) {
        this.host = host;
        this.peer = peer;
        this.counters = counters;
        this.greeting = greeting;
        this.outbox = new Outbox(options.queueBytes(), counters);
        this.maxFrame = options.maxFrame();
        List<Connection> connections = host.connections(peer);
        this.dialled = connections.stream().anyMatch(c -> c.direction() == Direction.OUTBOUND);
    }

    PeerId peer() {
        return peer;
    }

    /** Whether we have dialled the peer: it is harder for others to choose whom we dial than to dial us. */
    boolean dialled() {
        return dialled;
    }

    GossipProtocol protocol() {
        return protocol;
    }

    /** What is known before our own stream is negotiated. */
    void guess(GossipProtocol value) {
        if (stream == null) {
            protocol = value;
        }
    }

    void open() {
        if (opening || closed || stream != null || attempts >= MAX_ATTEMPTS) {
            return;
        }
        opening = true;
        attempts++;
        host.open(peer, GossipProtocol.IDS, OpenOptions.DEFAULT.withDial(false))
                .whenComplete((opened, failure) -> host.scheduler().execute(() -> {
                    opening = false;
                    if (failure != null) {
                        retry();
                    } else if (closed) {
                        opened.reset();
                    } else {
                        attach(opened);
                    }
                }));
    }

    /** The peer has shown that it can be reached: by a stream of its own, or a better connection. */
    void openAnew() {
        attempts = 0;
        open();
    }

    private void attach(Stream opened) {
        stream = opened;
        protocol = GossipProtocol.of(opened.protocol()).orElse(GossipProtocol.MESHSUB_1_1);
        opened.read(new Writable(opened));
        outbox.attach(new MessageChannel(opened, maxFrame), greeting.get());
    }

    private void retry() {
        if (!closed && attempts < MAX_ATTEMPTS) {
            host.scheduler().schedule(Duration.ofMillis(500L << attempts), this::open);
        }
    }

    private void lost(Stream which) {
        if (stream == which) {
            stream = null;
            outbox.attach(null, null);
            retry();
        }
    }

    /** Queues {@code frame}; a peer that is too slow for what it must get loses its stream and what waited. */
    void send(byte[] frame, Outbox.Kind kind) {
        if (closed || outbox.add(frame, kind)) {
            return;
        }
        counters.slowPeers.increment();
        outbox.clear();
        Stream slow = stream;
        if (slow != null) {
            slow.reset();
            lost(slow);
        }
    }

    void send(Rpc rpc, Outbox.Kind kind) {
        if (!rpc.isEmpty()) {
            send(RpcCodec.encode(rpc), kind);
        }
    }

    /** The peer has told that it has the message. */
    void unwant(MessageId id, int heartbeat) {
        if (unwanted.size() < MAX_DONT_WANT) {
            unwanted.put(id, heartbeat + DONT_WANT_HEARTBEATS);
        }
    }

    boolean wants(MessageId id) {
        return !unwanted.containsKey(id);
    }

    void heartbeat(int heartbeat) {
        haves = 0;
        asked = 0;
        unwanted.values().removeIf(until -> heartbeat >= until);
        if (stream != null) {
            attempts = 0;
        }
        outbox.pump();
    }

    void close() {
        closed = true;
        outbox.clear();
        Stream open = stream;
        stream = null;
        if (open != null) {
            open.reset();
        }
    }

    @Override
    public String toString() {
        return "link to " + peer;
    }

    /** Our stream is for writing: what comes on it is dropped. On the connection's loop. */
    private final class Writable implements Stream.Reader {
        private final Stream of;

        Writable(Stream of) {
            this.of = of;
        }

        @Override
        public void onData(ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {
            // the peer writes on a stream of its own
        }

        @Override
        public void onReset(Throwable cause) {
            host.scheduler().execute(() -> lost(of));
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            if (writable) {
                host.scheduler().execute(outbox::pump);
            }
        }
    }
}
