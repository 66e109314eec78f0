package io.ppiofs.overlay.sim;

import io.netty.buffer.ByteBuf;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One end of a connection. Messages of one direction arrive in order; if one is lost for good, so is the connection. */
public final class SimConnection implements Connection {
    private final SimNetwork network;
    private final SimHost host;
    private final SimHost remote;
    private final Direction direction;
    private final ConnectionClass connectionClass;
    private final List<SimStream> streams = new ArrayList<>(2);
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    private @Nullable SimConnection other;
    private boolean open = true;
    private boolean doomed;
    private long lastArrival;
    private long lastUsed;

    SimConnection(
            SimNetwork network, SimHost host, SimHost remote, Direction direction, ConnectionClass connectionClass) {
        this.network = network;
        this.host = host;
        this.remote = remote;
        this.direction = direction;
        this.connectionClass = connectionClass;
        this.lastUsed = network.nanoTime();
    }

    void pairWith(SimConnection end) {
        other = end;
        end.other = this;
    }

    SimHost remote() {
        return remote;
    }

    /** The other side's end. */
    SimConnection other() {
        return Objects.requireNonNull(other, "the ends are paired when they are made");
    }

    long lastUsed() {
        return lastUsed;
    }

    void touch() {
        lastUsed = network.nanoTime();
    }

    boolean idle() {
        return streams.isEmpty();
    }

    int streamsOf(ProtocolId protocol, Direction of) {
        int n = 0;
        for (SimStream stream : streams) {
            if (stream.direction() == of && stream.protocol().equals(protocol)) {
                n++;
            }
        }
        return n;
    }

    @Override
    public PeerId remotePeer() {
        return remote.id();
    }

    @Override
    public PublicKey remoteKey() {
        return remote.key().publicKey();
    }

    @Override
    public Multiaddr remoteAddress() {
        return remote.address();
    }

    @Override
    public Multiaddr localAddress() {
        return host.address();
    }

    @Override
    public Direction direction() {
        return direction;
    }

    @Override
    public ConnectionClass connectionClass() {
        return connectionClass;
    }

    @Override
    public boolean limited() {
        return false;
    }

    @Override
    public String description() {
        return "simulated";
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public CompletableFuture<Void> closed() {
        return closed;
    }

    /** One round trip, as multistream-select takes. */
    @Override
    public CompletableFuture<Stream> open(List<ProtocolId> protocols) {
        CompletableFuture<Stream> opened = new CompletableFuture<>();
        SimConnection end = other;
        if (!open || end == null) {
            opened.completeExceptionally(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "open stream", remote.id().toString(), "closed"));
            return opened;
        }
        touch();
        closedFailsIt(opened);
        send(0, () -> end.requested(protocols, opened));
        return opened;
    }

    /** A stream that waits for its answer fails with the connection; the list of them is that of the streams. */
    private void closedFailsIt(CompletableFuture<Stream> opened) {
        SimStream placeholder = new SimStream(this, new ProtocolId("/opening"), Direction.OUTBOUND);
        streams.add(placeholder);
        placeholder.read(new FailingReader(opened));
        opened.whenComplete((stream, error) -> streams.remove(placeholder));
    }

    /** At the other side of an {@link #open}. */
    private void requested(List<ProtocolId> protocols, CompletableFuture<Stream> opened) {
        if (!open || other == null) {
            return; // the opener hears of the end of the connection
        }
        SimConnection opener = other;
        touch();
        for (ProtocolId protocol : protocols) {
            SimHost.Service service = host.service(protocol);
            if (host.swallows(protocol)) {
                send(0, () -> opener.complete(opened, protocol, null));
                return;
            }
            if (service != null) {
                accept(protocol, service, opened, opener);
                return;
            }
        }
        send(
                0,
                () -> opened.completeExceptionally(PpiofsException.expected(
                        ErrorKind.NOT_SUPPORTED, "open " + protocols, host.id().toString())));
    }

    private void accept(
            ProtocolId protocol, SimHost.Service service, CompletableFuture<Stream> opened, SimConnection opener) {
        boolean refused = !service.options().access().test(remote.id())
                || streamsOf(protocol, Direction.INBOUND) >= service.options().maxStreamsPerPeer();
        if (refused) {
            send(
                    0,
                    () -> opened.completeExceptionally(PpiofsException.expected(
                            ErrorKind.NOT_CONNECTED,
                            "stream refused " + protocol,
                            host.id().toString())));
            return;
        }
        SimStream here = new SimStream(this, protocol, Direction.INBOUND);
        SimStream there = new SimStream(opener, protocol, Direction.OUTBOUND);
        here.pairWith(there);
        there.pairWith(here);
        streams.add(here);
        send(0, () -> opener.completeWith(opened, there));
        service.handler().onStream(here);
    }

    private void complete(CompletableFuture<Stream> opened, ProtocolId protocol, @Nullable SimStream end) {
        SimStream stream = new SimStream(this, protocol, Direction.OUTBOUND);
        stream.pairWith(end);
        completeWith(opened, stream);
    }

    private void completeWith(CompletableFuture<Stream> opened, SimStream stream) {
        if (opened.isDone()) {
            stream.reset(); // it came after the opener's timeout
            return;
        }
        streams.add(stream);
        opened.complete(stream);
    }

    void remove(SimStream stream) {
        streams.remove(stream);
    }

    void countWrite(ProtocolId protocol, int bytes) {
        touch();
        network.count(host, remote, protocol, bytes);
    }

    /** Runs {@code arrival} at the other side after all that was sent before, unless the connection ends first. */
    void send(int bytes, Runnable arrival) {
        SimConnection end = other;
        if (!open || end == null || doomed) {
            return;
        }
        long oneWay = network.oneWay(host, remote);
        long extra = network.lossDelay(oneWay);
        if (extra < 0 || !network.reachable(host, remote)) {
            doom();
            return;
        }
        long departs = host.upload(bytes);
        long at = Math.max(lastArrival, departs + oneWay + extra);
        lastArrival = at;
        network.post(at - network.nanoTime(), false, remote, remote.life(), () -> {
            if (end.open) {
                arrival.run();
            }
        });
    }

    /** Nothing passes any more; both sides notice when their keep-alive does. */
    void doom() {
        if (!doomed) {
            doomed = true;
            SimConnection end = other;
            if (end != null) {
                end.doom();
            }
            network.post(network.deadPeerNanos(), true, host, host.life(), () -> end("no answer to keep-alive"));
        }
    }

    @Override
    public CompletableFuture<Void> close() {
        SimConnection end = other;
        if (open) {
            if (end != null) {
                send(0, () -> end.end("closed by the peer"));
            }
            end("closed here");
        }
        return closed;
    }

    /** This end is over: its streams fail, its host is told. */
    void end(String why) {
        if (!open) {
            return;
        }
        open = false;
        if (!streams.isEmpty()) {
            failStreams(why);
        }
        host.ended(this);
        closed.complete(null);
    }

    private void failStreams(String why) {
        PpiofsException cause = new PpiofsException(
                ErrorKind.NOT_CONNECTED, "connection to", remote.id().toString(), why);
        for (SimStream stream : List.copyOf(streams)) {
            stream.fail(cause);
        }
        streams.clear();
    }

    /** This end's host has died: nobody is told here; the other side hears later, or at once if {@code tell}. */
    void die(boolean tell) {
        SimConnection end = other;
        if (end != null) {
            if (tell && network.reachable(host, remote)) {
                long oneWay = network.oneWay(host, remote);
                network.post(oneWay, false, remote, remote.life(), () -> end.end("reset by the peer"));
            } else {
                end.doom();
            }
        }
        open = false;
        streams.clear();
    }

    private record FailingReader(CompletableFuture<Stream> opened) implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {
            // nothing is read before the stream is there
        }

        @Override
        public void onReset(Throwable cause) {
            opened.completeExceptionally(cause);
        }
    }
}
