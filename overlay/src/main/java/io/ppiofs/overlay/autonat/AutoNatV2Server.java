package io.ppiofs.overlay.autonat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identify.RateLimit;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.wire.AutoNatWire.AutoNat2Message;
import io.ppiofs.overlay.wire.AutoNatWire.DialAnswer;
import io.ppiofs.overlay.wire.AutoNatWire.DialBack;
import io.ppiofs.overlay.wire.AutoNatWire.DialDataRequest;
import io.ppiofs.overlay.wire.AutoNatWire.DialRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * AutoNAT version 2 (libp2p specification "autonat/autonat-v2.md"): dials one address that a peer names and delivers a nonce
 * there. An address of another host than the asking one costs the asker 30,000 to 100,000 bytes first. Safe for any thread.
 */
public final class AutoNatV2Server {
    private static final int MAX_MESSAGE = 8 * 1024;
    private static final int MAX_ADDRESSES = 50;
    private static final int AT_ONCE = 8;
    private static final int COST_BYTES = 40_000;
    private static final Duration PATIENCE = Duration.ofSeconds(45);

    private final Swarm swarm;
    private final BackDialer dialer;
    private final boolean privateAddresses;
    private final RateLimit asked;
    private final AtomicInteger running = new AtomicInteger();

    /** @param privateAddresses whether private and loopback addresses are dialled, too */
    public AutoNatV2Server(Swarm swarm, BackDialer dialer, boolean privateAddresses) {
        this.swarm = swarm;
        this.dialer = dialer;
        this.privateAddresses = privateAddresses;
        this.asked = new RateLimit(swarm.scheduler(), 6, Duration.ofSeconds(10));
    }

    /** Begins to serve. */
    public void serve() {
        swarm.handle(
                AutoNatV2.REQUEST,
                HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2),
                stream -> new Request(stream).begin());
    }

    /** One request; its messages come on the connection's loop. */
    private final class Request implements MessageChannel.Receiver {
        private final MessageChannel channel;
        private final Scheduler.Timer timer;
        private @Nullable DialRequest request;
        private int chosen;
        private long owed;
        private boolean dialling;

        Request(Stream stream) {
            this.channel = new MessageChannel(stream, MAX_MESSAGE);
            this.timer = swarm.scheduler().schedule(PATIENCE, stream::reset);
        }

        void begin() {
            channel.receive(this);
        }

        @Override
        public void onMessage(byte[] encoded) {
            AutoNat2Message message;
            try {
                message = AutoNat2Message.parseFrom(encoded);
            } catch (InvalidProtocolBufferException e) {
                misbehaved();
                return;
            }
            if (message.hasDialRequest() && request == null) {
                asked(message.getDialRequest());
            } else if (message.hasDialDataResponse() && request != null && !dialling && owed > 0) {
                owed -= message.getDialDataResponse().getData().size();
                if (owed <= 0) {
                    dial();
                }
            } else {
                misbehaved();
            }
        }

        private void asked(DialRequest told) {
            request = told;
            Connection from = channel.stream().connection();
            chosen = choose(told.getAddrsList());
            if (!asked.allows(from.remotePeer()) || running.get() >= AT_ONCE) {
                swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
                answer(DialAnswer.newBuilder().setStatus(DialAnswer.ResponseStatus.E_REQUEST_REJECTED));
            } else if (chosen < 0 || from.limited()) {
                answer(DialAnswer.newBuilder().setStatus(DialAnswer.ResponseStatus.E_DIAL_REFUSED));
            } else if (sameHost(from, told)) {
                dial();
            } else {
                owed = COST_BYTES;
                send(AutoNat2Message.newBuilder()
                        .setDialDataRequest(
                                DialDataRequest.newBuilder().setAddrIdx(chosen).setNumBytes(COST_BYTES)));
            }
        }

        private boolean sameHost(Connection from, DialRequest told) {
            Optional<Multiaddr> address = Multiaddr.read(told.getAddrs(chosen).toByteArray());
            return !from.remoteAddress().has(AddressProtocol.P2P_CIRCUIT)
                    && address.flatMap(AddressScope::ip).isPresent()
                    && address.flatMap(AddressScope::ip).equals(AddressScope.ip(from.remoteAddress()));
        }

        /** The first address that may be dialled, or −1. */
        private int choose(List<ByteString> told) {
            for (int i = 0; i < Math.min(told.size(), MAX_ADDRESSES); i++) {
                Optional<Multiaddr> address = Multiaddr.read(told.get(i).toByteArray());
                if (address.isPresent() && dialable(address.get())) {
                    return i;
                }
            }
            return -1;
        }

        private boolean dialable(Multiaddr address) {
            AddressScope scope = AddressScope.of(address);
            boolean allowed = scope == AddressScope.PUBLIC
                    || (privateAddresses
                            && scope != AddressScope.RELAYED
                            && AddressScope.ip(address).isPresent());
            return allowed && dialer.dials(address.withoutPeer());
        }

        private void dial() {
            DialRequest told = request;
            if (told == null) {
                return;
            }
            dialling = true;
            running.incrementAndGet();
            PeerId peer = channel.stream().connection().remotePeer();
            Multiaddr target = Multiaddr.read(told.getAddrs(chosen).toByteArray())
                    .orElseThrow()
                    .withoutPeer();
            dialer.dial(peer, target)
                    .thenCompose(connection -> deliver(connection, told.getNonce())
                            .whenComplete((done, failure) -> connection.close())
                            .handle((done, failure) -> failure == null
                                    ? DialAnswer.DialStatus.DIALLED
                                    : DialAnswer.DialStatus.E_DIAL_BACK_ERROR))
                    .exceptionally(failure -> DialAnswer.DialStatus.E_DIAL_ERROR)
                    .thenAccept(status -> {
                        running.decrementAndGet();
                        answer(DialAnswer.newBuilder()
                                .setStatus(DialAnswer.ResponseStatus.OK)
                                .setAddrIdx(chosen)
                                .setDialStatus(status));
                    });
        }

        private CompletableFuture<Void> deliver(Connection connection, long nonce) {
            CompletableFuture<Void> delivered = new CompletableFuture<>();
            Scheduler.Timer late = swarm.scheduler()
                    .schedule(
                            Duration.ofSeconds(5),
                            () -> delivered.completeExceptionally(new IllegalStateException("no answer in time")));
            delivered.whenComplete((done, failure) -> late.cancel());
            connection.open(List.of(AutoNatV2.DIAL_BACK)).whenComplete((stream, failure) -> {
                if (failure != null) {
                    delivered.completeExceptionally(failure);
                    return;
                }
                MessageChannel back = new MessageChannel(stream, 256);
                back.receive(new Receipt(delivered));
                var unused =
                        back.send(DialBack.newBuilder().setNonce(nonce).build().toByteArray());
                var ignored = stream.closeWrite();
            });
            return delivered;
        }

        private void answer(DialAnswer.Builder answer) {
            timer.cancel();
            send(AutoNat2Message.newBuilder().setDialResponse(answer));
            var unused = channel.stream().closeWrite();
        }

        private void send(AutoNat2Message.Builder message) {
            var unused = channel.send(message.build().toByteArray());
        }

        private void misbehaved() {
            timer.cancel();
            swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
            channel.stream().reset();
        }

        @Override
        public void onEnd(boolean complete) {
            if (request == null || owed > 0) {
                timer.cancel();
                channel.stream().reset(); // it left without asking, or without paying
            }
        }

        @Override
        public void onReset(Throwable cause) {
            timer.cancel();
        }
    }

    /** Waits for the sign that the nonce has arrived. */
    private record Receipt(CompletableFuture<Void> delivered) implements MessageChannel.Receiver {
        @Override
        public void onMessage(byte[] message) {
            delivered.complete(null);
        }

        @Override
        public void onEnd(boolean complete) {
            delivered.completeExceptionally(new IllegalStateException("the stream ended without a receipt"));
        }

        @Override
        public void onReset(Throwable cause) {
            delivered.completeExceptionally(cause);
        }
    }
}
