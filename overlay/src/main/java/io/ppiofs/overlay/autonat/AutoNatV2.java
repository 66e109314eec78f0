package io.ppiofs.overlay.autonat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.wire.AutoNatWire.AutoNat2Message;
import io.ppiofs.overlay.wire.AutoNatWire.DialAnswer;
import io.ppiofs.overlay.wire.AutoNatWire.DialBack;
import io.ppiofs.overlay.wire.AutoNatWire.DialBackResponse;
import io.ppiofs.overlay.wire.AutoNatWire.DialDataResponse;
import io.ppiofs.overlay.wire.AutoNatWire.DialRequest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The asking side of AutoNAT version 2: is this one address reachable? The answer counts only if the nonce has arrived here.
 * Safe for any thread.
 */
public final class AutoNatV2 {
    /** Asking. */
    public static final ProtocolId REQUEST = new ProtocolId("/libp2p/autonat/2/dial-request");

    /** Where the nonce is delivered. */
    public static final ProtocolId DIAL_BACK = new ProtocolId("/libp2p/autonat/2/dial-back");

    /** What came of a question. */
    public enum Verdict {
        REACHABLE,
        UNREACHABLE,
        /** The server did not dial, or said that it did and no nonce came. */
        NO_ANSWER
    }

    private static final int MAX_MESSAGE = 8 * 1024;
    private static final int PIECE = 4_096;
    private static final long MAX_COST = 100_000;
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final Swarm swarm;
    private final SecureRandom random = new SecureRandom();
    private final Set<Long> expected = ConcurrentHashMap.newKeySet();
    private final Set<Long> arrived = ConcurrentHashMap.newKeySet();

    public AutoNatV2(Swarm swarm) {
        this.swarm = swarm;
    }

    /** Begins to take nonces. */
    public void serve() {
        swarm.handle(DIAL_BACK, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2), this::dialledBack);
    }

    private void dialledBack(Stream stream) {
        MessageChannel channel = new MessageChannel(stream, 256);
        Scheduler.Timer timer = swarm.scheduler().schedule(Duration.ofSeconds(10), stream::reset);
        channel.receive(new MessageChannel.Receiver() {
            @Override
            public void onMessage(byte[] message) {
                timer.cancel();
                try {
                    long nonce = DialBack.parseFrom(message).getNonce();
                    if (expected.contains(nonce)) {
                        arrived.add(nonce);
                    }
                } catch (InvalidProtocolBufferException e) {
                    stream.reset();
                    return;
                }
                var unused = channel.send(DialBackResponse.newBuilder()
                        .setStatus(DialBackResponse.DialBackStatus.OK)
                        .build()
                        .toByteArray());
                var ignored = stream.closeWrite();
            }

            @Override
            public void onEnd(boolean complete) {
                timer.cancel();
            }

            @Override
            public void onReset(Throwable cause) {
                timer.cancel();
            }
        });
    }

    /** Asks a connected peer to dial {@code address}. */
    public CompletableFuture<Verdict> ask(PeerId server, Multiaddr address) {
        long nonce = random.nextLong();
        expected.add(nonce);
        return swarm.open(server, List.of(REQUEST), OpenOptions.DEFAULT.withDial(false))
                .thenCompose(stream -> question(stream, address, nonce))
                .thenApply(answer -> verdict(answer, nonce))
                .whenComplete((verdict, failure) -> {
                    expected.remove(nonce);
                    arrived.remove(nonce);
                });
    }

    private Verdict verdict(DialAnswer answer, long nonce) {
        boolean dialled = answer.getStatus() == DialAnswer.ResponseStatus.OK && answer.getAddrIdx() == 0;
        if (dialled && answer.getDialStatus() == DialAnswer.DialStatus.DIALLED && arrived.contains(nonce)) {
            return Verdict.REACHABLE;
        }
        return dialled && answer.getDialStatus() == DialAnswer.DialStatus.E_DIAL_ERROR
                ? Verdict.UNREACHABLE
                : Verdict.NO_ANSWER;
    }

    private CompletableFuture<DialAnswer> question(Stream stream, Multiaddr address, long nonce) {
        CompletableFuture<DialAnswer> result = new CompletableFuture<>();
        Scheduler.Timer timer = swarm.scheduler().schedule(PATIENCE, () -> {
            if (result.completeExceptionally(failure(stream, "no answer in time"))) {
                stream.reset();
            }
        });
        result.whenComplete((answer, failure) -> timer.cancel());
        MessageChannel channel = new MessageChannel(stream, MAX_MESSAGE);
        channel.receive(new Answer(channel, result, new AtomicBoolean()));
        DialRequest.Builder request =
                DialRequest.newBuilder().setNonce(nonce).addAddrs(ByteString.copyFrom(address.toBytes()));
        var unused = channel.send(
                AutoNat2Message.newBuilder().setDialRequest(request).build().toByteArray());
        return result;
    }

    private static PpiofsException failure(Stream stream, String detail) {
        return new PpiofsException(
                ErrorKind.NOT_CONNECTED,
                "ask for reachability",
                stream.connection().remotePeer().toString(),
                detail);
    }

    /** Pays what the server asks for, within the specification's bound, and takes the answer. */
    private record Answer(MessageChannel channel, CompletableFuture<DialAnswer> result, AtomicBoolean paid)
            implements MessageChannel.Receiver {
        @Override
        public void onMessage(byte[] encoded) {
            try {
                AutoNat2Message message = AutoNat2Message.parseFrom(encoded);
                if (message.hasDialDataRequest() && !result.isDone()) {
                    pay(message.getDialDataRequest().getNumBytes());
                } else if (message.hasDialResponse()) {
                    result.complete(message.getDialResponse());
                    var unused = channel.stream().closeWrite();
                }
            } catch (InvalidProtocolBufferException e) {
                result.completeExceptionally(e);
                channel.stream().reset();
            }
        }

        private void pay(long bytes) {
            if (bytes < 0 || bytes > MAX_COST || paid.getAndSet(true)) {
                result.completeExceptionally(failure(channel.stream(), "it asks for " + bytes + " bytes"));
                channel.stream().reset();
                return;
            }
            byte[] piece = AutoNat2Message.newBuilder()
                    .setDialDataResponse(DialDataResponse.newBuilder().setData(ByteString.copyFrom(new byte[PIECE])))
                    .build()
                    .toByteArray();
            for (long sent = 0; sent < bytes; sent += PIECE) {
                var unused = channel.send(piece);
            }
        }

        @Override
        public void onEnd(boolean complete) {
            result.completeExceptionally(failure(channel.stream(), "the stream ended without an answer"));
        }

        @Override
        public void onReset(Throwable cause) {
            result.completeExceptionally(failure(channel.stream(), "the stream was reset"));
        }
    }
}
