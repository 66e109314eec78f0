package io.ppiofs.overlay.network;

import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Admission to a private network, {@code /ppiofs/ID/member/1.0.0}: right after the handshake, whatever the transport, both
 * sides show their certificate, which must name the peer that the handshake has authenticated. Who dialled opens the
 * stream. Each side sends a hello (opening, certificate, version of its revocation list) and, having seen the other's, a
 * verdict (yes or no, why, and its revocation list if the other's is older). A side that hears "yes" and finds the other's
 * certificate good, also under a list just received, admits.
 *
 * <p>{@link #admit} is what a host asks for each new connection before it serves anything else on it. A peer whose
 * certificate is revoked later is disconnected. State lives on the host's scheduler.
 */
public final class MembershipExchange {
    /** How long a peer has to show its certificate. */
    public static final Duration TIMEOUT = Duration.ofSeconds(10);

    private static final int MAX_MESSAGE = 2 * Envelope.MAX_ENCODED;
    private static final int MAX_REASON = 200;
    private static final Opening OPENING = Opening.of(1);

    private final Host host;
    private final ProtocolId protocol;
    private final MembershipRoll roll;
    private final Scheduler scheduler;
    private final Map<Connection, Admission> admissions = new HashMap<>();
    private final Map<PeerId, MembershipCertificate> admitted = new HashMap<>();

    /** Registers the protocol's handler with {@code host}. */
    public MembershipExchange(Host host, Network network, MembershipRoll roll) {
        if (!roll.own().peer().equals(host.id())) {
            throw new PpiofsException(
                    ErrorKind.CONFIG,
                    "join network",
                    network.genesis().name(),
                    "the membership certificate is of " + roll.own().peer() + ", this node is " + host.id());
        }
        this.host = host;
        this.protocol = network.member();
        this.roll = roll;
        this.scheduler = host.scheduler();
        HandlerOptions options = HandlerOptions.DEFAULT.withOverLimited(true).withMaxStreamsPerPeer(4);
        host.handle(protocol, options, stream -> new Talk(stream).begin(true));
        host.addListener(new HostListener() {
            @Override
            public void onDisconnected(PeerId peer) {
                admitted.remove(peer);
            }
        });
        roll.addListener(list -> scheduler.execute(this::expelRevoked));
    }

    /** The only protocol that is served on a connection before it is admitted. */
    public ProtocolId protocol() {
        return protocol;
    }

    /**
     * Whether the other side belongs to the network. Fails with ACCESS_DENIED (no or bad certificate, or it refuses ours)
     * or NOT_CONNECTED (no answer in time): then the connection must be closed.
     */
    public CompletableFuture<Void> admit(Connection connection) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        scheduler.execute(() -> {
            Admission admission = admissions.computeIfAbsent(connection, Admission::new);
            admission.result.whenComplete((certificate, failure) -> {
                if (failure == null) {
                    result.complete(null);
                } else {
                    result.completeExceptionally(failure);
                }
            });
            if (connection.direction() == Direction.OUTBOUND) {
                connection.open(List.of(protocol)).whenComplete((stream, failure) -> {
                    if (failure == null) {
                        new Talk(stream).begin(false);
                    } else {
                        scheduler.execute(() -> admission.fail(denied(
                                connection.remotePeer(), "it does not speak the membership protocol of this network")));
                    }
                });
            }
        });
        return result;
    }

    /** The certificate of a peer that is connected and admitted, else null. On the host's scheduler. */
    public @Nullable MembershipCertificate certificate(PeerId peer) {
        return admitted.get(peer);
    }

    private void expelRevoked() {
        for (Map.Entry<PeerId, MembershipCertificate> entry :
                Map.copyOf(admitted).entrySet()) {
            try {
                roll.requireInForce(entry.getValue(), scheduler.wallMillis());
            } catch (PpiofsException revoked) {
                admitted.remove(entry.getKey());
                host.disconnect(entry.getKey());
            }
        }
    }

    private PpiofsException denied(PeerId peer, String detail) {
        return new PpiofsException(
                ErrorKind.ACCESS_DENIED, "admit to network " + roll.genesis().name(), peer.toString(), detail);
    }

    /** A connection that waits; on the scheduler only. */
    private final class Admission {
        private final Connection connection;
        private final CompletableFuture<MembershipCertificate> result = new CompletableFuture<>();
        private final Scheduler.Timer timer;

        Admission(Connection connection) {
            this.connection = connection;
            this.timer = scheduler.schedule(
                    TIMEOUT,
                    () -> fail(new PpiofsException(
                            ErrorKind.NOT_CONNECTED,
                            "admit to network " + roll.genesis().name(),
                            connection.remotePeer().toString(),
                            "it showed no certificate within " + TIMEOUT.toSeconds() + " s")));
            connection
                    .closed()
                    .whenComplete((none, failure) -> scheduler.execute(() -> {
                        fail(denied(connection.remotePeer(), "the connection ended before it was admitted"));
                        admissions.remove(connection);
                    }));
        }

        void admit(MembershipCertificate certificate) {
            timer.cancel();
            if (!result.isDone()) {
                admitted.put(connection.remotePeer(), certificate);
                result.complete(certificate);
            }
        }

        void fail(PpiofsException cause) {
            timer.cancel();
            result.completeExceptionally(cause);
        }
    }

    /** One exchange over one stream. Fields on the scheduler only. */
    private final class Talk implements MessageChannel.Receiver {
        private final Stream stream;
        private final MessageChannel channel;
        private final PeerId peer;
        private @Nullable MembershipCertificate theirs;
        private boolean over;

        Talk(Stream stream) {
            this.stream = stream;
            this.channel = new MessageChannel(stream, MAX_MESSAGE);
            this.peer = stream.connection().remotePeer();
        }

        /** On the connection's loop. */
        void begin(boolean inbound) {
            if (inbound && stream.connection().direction() == Direction.OUTBOUND) {
                stream.reset(); // it is for us to ask on a connection that we opened
                return;
            }
            channel.receive(this);
            channel.send(hello());
        }

        private byte[] hello() {
            return CborEncoder.encode(CborMap.builder()
                    .put(1, OPENING.toCbor())
                    .put(2, roll.own().encode())
                    .put(3, roll.version())
                    .build());
        }

        @Override
        public void onMessage(byte[] message) {
            scheduler.execute(() -> {
                if (over) {
                    return;
                }
                try {
                    CborMap fields = CborDecoder.decodeMap(message);
                    if (theirs == null) {
                        onHello(fields);
                    } else {
                        onVerdict(fields, theirs);
                    }
                } catch (MalformedException e) {
                    end(denied(peer, "its message is malformed: " + e.getMessage()));
                } catch (PpiofsException e) {
                    end(e);
                }
            });
        }

        private void onHello(CborMap fields) throws MalformedException {
            OPENING.agree(Opening.of(fields.map(1, 64)), protocol.name());
            long version = fields.uint(3, Long.MAX_VALUE);
            byte[] list = roll.revocations()
                    .filter(mine -> mine.version() > version)
                    .map(RevocationList::encode)
                    .orElse(null);
            try {
                theirs = roll.check(peer, fields.bytes(2, 0, Envelope.MAX_ENCODED), scheduler.wallMillis());
            } catch (PpiofsException refusal) {
                over = true;
                // Failing the admission closes the connection: not before the peer can know why
                channel.send(verdict(String.valueOf(refusal.getMessage()), list))
                        .whenComplete((sent, failure) -> scheduler.execute(() -> end(refusal)));
                return;
            }
            channel.send(verdict(null, list));
        }

        private byte[] verdict(@Nullable String refusal, byte @Nullable [] list) {
            String reason = refusal == null ? "" : printable(refusal);
            return CborEncoder.encode(CborMap.builder()
                    .put(1, CborSimple.of(refusal == null))
                    .put(2, new CborText(reason.substring(0, Math.min(reason.length(), MAX_REASON))))
                    .put(3, list == null ? CborSimple.NULL : CborBytes.of(list))
                    .build());
        }

        private void onVerdict(CborMap fields, MembershipCertificate certificate) throws MalformedException {
            boolean accepted = fields.bool(1);
            String reason = fields.text(2, MAX_REASON);
            if (fields.get(3) != CborSimple.NULL) {
                roll.offer(fields.bytes(3, 1, Envelope.MAX_ENCODED));
                roll.requireInForce(certificate, scheduler.wallMillis());
            }
            if (!accepted) {
                throw denied(peer, "it refuses us: " + printable(reason));
            }
            over = true;
            stream.closeWrite();
            admission().admit(certificate);
        }

        private String printable(String text) {
            return text.replaceAll("[^\\x20-\\x7e]", "?");
        }

        private Admission admission() {
            return admissions.computeIfAbsent(stream.connection(), Admission::new);
        }

        private void end(PpiofsException cause) {
            over = true;
            admission().fail(cause);
        }

        @Override
        public void onEnd(boolean complete) {
            scheduler.execute(() -> interrupted("it ended the exchange early"));
        }

        @Override
        public void onReset(Throwable cause) {
            scheduler.execute(() -> interrupted("it broke the exchange off"));
        }

        private void interrupted(String how) {
            if (!over) {
                end(denied(peer, how));
            }
        }
    }
}
