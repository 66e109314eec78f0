package io.ppiofs.overlay.autonat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identify.RateLimit;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.wire.AutoNatWire.AutoNatMessage;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Dials back for peers that ask whether they can be reached: only to the address that they ask from, never over a relay,
 * three times a minute for one peer and eight at once. Thread safe.
 */
public final class AutoNatServer {
    private static final int MAX_MESSAGE = 8 * 1024;
    private static final int MAX_DIALS = 4;
    private static final int AT_ONCE = 8;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Swarm swarm;
    private final BackDialer dialer;
    private final boolean privateAddresses;
    private final RateLimit asked;
    private final AtomicInteger running = new AtomicInteger();

    /** @param privateAddresses whether private and loopback addresses are dialled, too */
    public AutoNatServer(Swarm swarm, BackDialer dialer, boolean privateAddresses) {
        this.swarm = swarm;
        this.dialer = dialer;
        this.privateAddresses = privateAddresses;
        this.asked = new RateLimit(swarm.scheduler(), 3, Duration.ofSeconds(20));
    }

    /** Begins to serve. */
    public void serve() {
        swarm.handle(AutoNat.PROTOCOL, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2), this::accept);
    }

    public void stop() {
        swarm.unhandle(AutoNat.PROTOCOL);
    }

    private void accept(Stream stream) {
        var timer = swarm.scheduler().schedule(PATIENCE, stream::reset);
        MessageChannel channel = new MessageChannel(stream, MAX_MESSAGE);
        channel.receive(new MessageChannel.Receiver() {
            private boolean answered;

            @Override
            public void onMessage(byte[] message) {
                if (answered) {
                    stream.reset();
                    return;
                }
                answered = true;
                respond(stream.connection(), message).whenComplete((response, failure) -> {
                    timer.cancel();
                    if (failure == null) {
                        send(channel, response);
                    } else {
                        stream.reset();
                    }
                });
            }

            @Override
            public void onEnd(boolean complete) {
                if (!answered) {
                    timer.cancel();
                    stream.reset();
                }
            }

            @Override
            public void onReset(Throwable cause) {
                timer.cancel();
            }
        });
    }

    private static void send(MessageChannel channel, AutoNatMessage.DialResponse.Builder response) {
        var unused = channel.send(AutoNatMessage.newBuilder()
                .setType(AutoNatMessage.Type.DIAL_RESPONSE)
                .setDialResponse(response)
                .build()
                .toByteArray());
        var ignored = channel.stream().closeWrite();
    }

    private static AutoNatMessage.DialResponse.Builder status(AutoNatMessage.Status status, String text) {
        return AutoNatMessage.DialResponse.newBuilder().setStatus(status).setStatusText(text);
    }

    private CompletableFuture<AutoNatMessage.DialResponse.Builder> respond(Connection from, byte[] encoded) {
        PeerId peer = from.remotePeer();
        AutoNatMessage message;
        try {
            message = AutoNatMessage.parseFrom(encoded);
        } catch (InvalidProtocolBufferException e) {
            return done(AutoNatMessage.Status.E_BAD_REQUEST, "not a message of this protocol");
        }
        byte[] told = message.getDial().getPeer().getId().toByteArray();
        boolean dial = message.getType() == AutoNatMessage.Type.DIAL && message.hasDial();
        if (!dial || (told.length > 0 && !Arrays.equals(told, peer.toBytes()))) {
            return done(AutoNatMessage.Status.E_BAD_REQUEST, "expected a dial request for the asking peer");
        }
        List<Multiaddr> targets = targets(from, message.getDial().getPeer().getAddrsList());
        if (targets.isEmpty()) {
            return done(AutoNatMessage.Status.E_DIAL_REFUSED, "no address of the asking host is among these");
        }
        if (!asked.allows(peer) || running.get() >= AT_ONCE) {
            swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
            return done(AutoNatMessage.Status.E_DIAL_REFUSED, "too many requests; ask later or another");
        }
        running.incrementAndGet();
        return dialInTurn(peer, targets, 0).whenComplete((response, failure) -> running.decrementAndGet());
    }

    private static CompletableFuture<AutoNatMessage.DialResponse.Builder> done(
            AutoNatMessage.Status status, String text) {
        return CompletableFuture.completedFuture(status(status, text));
    }

    /** Addresses with the IP address that the request came from; others would let a stranger make us dial anybody. */
    private List<Multiaddr> targets(Connection from, List<ByteString> told) {
        Optional<InetAddress> ip = AddressScope.ip(from.remoteAddress());
        if (ip.isEmpty() || from.limited() || from.remoteAddress().has(AddressProtocol.P2P_CIRCUIT)) {
            return List.of();
        }
        if (!privateAddresses && AddressScope.of(ip.get()) != AddressScope.PUBLIC) {
            return List.of();
        }
        return told.stream()
                .limit(32)
                .flatMap(bytes -> Multiaddr.read(bytes.toByteArray()).stream())
                .map(Multiaddr::withoutPeer)
                .filter(address -> !address.has(AddressProtocol.P2P_CIRCUIT))
                .filter(address -> AddressScope.ip(address).equals(ip))
                .distinct()
                .limit(MAX_DIALS)
                .toList();
    }

    private CompletableFuture<AutoNatMessage.DialResponse.Builder> dialInTurn(
            PeerId peer, List<Multiaddr> targets, int index) {
        if (index == targets.size()) {
            return done(AutoNatMessage.Status.E_DIAL_ERROR, "none of the addresses answers");
        }
        Multiaddr target = targets.get(index);
        return dialer.dial(peer, target)
                .thenApply(connection -> {
                    var unused = connection.close();
                    return status(AutoNatMessage.Status.OK, "").setAddr(ByteString.copyFrom(target.toBytes()));
                })
                .exceptionallyCompose(failure -> dialInTurn(peer, targets, index + 1));
    }
}
