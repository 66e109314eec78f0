package io.ppiofs.overlay.gossip;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The stream on which a peer writes to us. Frames are decoded on the connection's loop and handled on the scheduler; when
 * more than a bound waits there, reading stops until half of it is done, and the stream's window holds the peer back.
 */
final class Inbound implements MessageChannel.Receiver {
    /** Who handles what arrives; called on the scheduler. */
    interface Owner {
        void onRpc(Rpc rpc);

        /** The peer sent what is no frame, or too long a one; the stream has been reset. */
        void onMalformed();

        void onClosed(Inbound which);
    }

    private final Stream stream;
    private final MessageChannel channel;
    private final Scheduler scheduler;
    private final Owner owner;
    private final int bound;
    private final AtomicInteger waiting = new AtomicInteger();

    Inbound(Stream stream, int maxFrame, Scheduler scheduler, Owner owner) {
        this.stream = stream;
        this.channel = new MessageChannel(stream, maxFrame);
        this.scheduler = scheduler;
        this.owner = owner;
        this.bound = 2 * maxFrame;
    }

    void begin() {
        channel.receive(this);
    }

    @Override
    public void onMessage(byte[] message) {
        Rpc rpc;
        try {
            rpc = RpcCodec.decode(message);
        } catch (IOException e) {
            stream.reset();
            scheduler.execute(() -> {
                owner.onMalformed();
                owner.onClosed(this);
            });
            return;
        }
        int size = message.length + 64;
        if (waiting.addAndGet(size) > bound) {
            stream.setReading(false);
        }
        scheduler.execute(() -> {
            owner.onRpc(rpc);
            int left = waiting.addAndGet(-size);
            if (left < bound / 2 && left + size >= bound / 2) {
                stream.setReading(true);
            }
        });
    }

    @Override
    public void onEnd(boolean complete) {
        stream.closeWrite();
        scheduler.execute(() -> {
            if (!complete) {
                owner.onMalformed();
            }
            owner.onClosed(this);
        });
    }

    @Override
    public void onReset(Throwable cause) {
        boolean theirFault = cause instanceof PpiofsException e && e.kind() == ErrorKind.CORRUPT;
        scheduler.execute(() -> {
            if (theirFault) {
                owner.onMalformed();
            }
            owner.onClosed(this);
        });
    }

    void close() {
        stream.reset();
    }
}
