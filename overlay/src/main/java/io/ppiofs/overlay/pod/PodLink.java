package io.ppiofs.overlay.pod;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A conversation over one stream: typed messages in both directions, for threads that may wait. Sending waits while the other side does not
 * read; what comes and is not taken stops the other side. Safe for any thread, though one at a time should speak.
 */
public final class PodLink implements AutoCloseable {
    /** Most bytes of a message besides its type. */
    public static final int MAX_BODY = 80 << 10;

    /** What waits to be taken before the stream is not read any more, bytes. */
    private static final int HIGH_WATER = 256 << 10;

    /** Memory of a message beside its bytes: else a flood of the smallest ones would take much more than they are long. */
    private static final int RECEIVED = 64;

    private static final int MAX_TEXT = 400;

    /**
     * A message.
     *
     * @param body not copied
     */
    public record Received(PodMessage type, byte[] body) {}

    private final Stream stream;
    private final MessageChannel channel;
    private final Deque<Received> waiting = new ArrayDeque<>();
    private int waitingBytes;
    private boolean paused;
    private boolean ended;
    private @Nullable PpiofsException failure;

    PodLink(Stream stream) {
        this.stream = stream;
        this.channel = new MessageChannel(stream, 1 + MAX_BODY);
    }

    /** Begins to read. @param first called once, when the first message is here or none will come */
    void begin(Runnable first) {
        channel.receive(new MessageChannel.Receiver() {
            private boolean told;

            private void tell() {
                if (!told) {
                    told = true;
                    first.run();
                }
            }

            @Override
            public void onMessage(byte[] message) {
                take(message);
                tell();
            }

            @Override
            public void onEnd(boolean complete) {
                end(null);
                tell();
            }

            @Override
            public void onReset(Throwable cause) {
                end(cause instanceof PpiofsException e && e.kind() == ErrorKind.CORRUPT ? e : null);
                tell();
            }

            @Override
            public void onWritabilityChanged(boolean writable) {
                wake();
            }
        });
    }

    private synchronized void wake() {
        notifyAll();
    }

    private synchronized void end(@Nullable PpiofsException why) {
        ended = true;
        if (failure == null) {
            failure = why;
        }
        notifyAll();
    }

    private synchronized void take(byte[] message) {
        if (ended) {
            return;
        }
        PodMessage[] types = PodMessage.values();
        if (message.length < 1 || (message[0] & 0xff) >= types.length) {
            end(nonsense("a message that is none"));
            stream.reset();
            return;
        }
        waiting.add(new Received(types[message[0]], Arrays.copyOfRange(message, 1, message.length)));
        waitingBytes += message.length + RECEIVED;
        if (waitingBytes >= HIGH_WATER && !paused) {
            paused = true;
            stream.setReading(false);
        }
        notifyAll();
    }

    /** At the other end, authenticated. */
    public PeerId peer() {
        return stream.connection().remotePeer();
    }

    /**
     * Sends a message; waits while the other side does not read.
     *
     * @param patience for that
     * @throws PpiofsException NOT_CONNECTED if the conversation has ended or it waited too long; INTERRUPTED
     */
    public void send(PodMessage type, byte[] body, Duration patience) {
        synchronized (this) {
            await(patience, () -> ended || stream.isWritable());
            if (ended) {
                throw over();
            }
        }
        byte[] message = new byte[1 + body.length];
        message[0] = (byte) type.ordinal();
        System.arraycopy(body, 0, message, 1, body.length);
        channel.send(message).whenComplete((sent, problem) -> {
            if (problem != null) {
                end(problem instanceof PpiofsException e ? e : null);
            }
        });
    }

    /**
     * The next message.
     *
     * @throws PpiofsException NOT_CONNECTED if none came in time or the conversation has ended; what the other side refused with; CORRUPT if it
     *     sent nonsense; INTERRUPTED
     */
    public Received receive(Duration patience) {
        Received next;
        synchronized (this) {
            await(patience, () -> ended || !waiting.isEmpty());
            next = waiting.poll();
            if (next == null) {
                throw over();
            }
            waitingBytes -= 1 + next.body().length + RECEIVED;
            if (paused && waitingBytes < HIGH_WATER / 2 && !ended) {
                paused = false;
                stream.setReading(true);
            }
        }
        if (next.type() == PodMessage.REFUSED) {
            throw refused(next.body());
        }
        return next;
    }

    /** The body of the next message, which must be of this type. @throws PpiofsException as {@link #receive(Duration)} */
    public byte[] receive(PodMessage type, Duration patience) {
        Received next = receive(patience);
        if (next.type() != type) {
            throw nonsense(next.type() + " instead of " + type);
        }
        return next.body();
    }

    /**
     * Says why the conversation cannot go on, and ends it.
     *
     * @param patience for a side that does not read; none: does not block
     */
    void refuse(PpiofsException why, Duration patience) {
        String text = why.detail();
        byte[] body = CborEncoder.encode(CborMap.builder()
                .put(1, PodRefusal.of(why.kind()).ordinal())
                .put(2, new CborText(text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text))
                .build());
        try {
            send(PodMessage.REFUSED, body, patience);
        } catch (PpiofsException e) {
            stream.reset(); // nobody listens any more
        }
        close();
    }

    private PpiofsException refused(byte[] body) {
        try {
            CborMap fields = CborDecoder.decodeMap(body);
            return PodRefusal.refused(fields.uint(1, 255), peer().toString(), "it says: " + fields.text(2, MAX_TEXT));
        } catch (MalformedException e) {
            return nonsense("a refusal that is none");
        }
    }

    private PpiofsException nonsense(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "deal with", peer().toString(), "it sent " + detail);
    }

    private synchronized PpiofsException over() {
        PpiofsException known = failure;
        return known != null
                ? known
                : new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "deal with",
                        peer().toString(),
                        ended ? "it ended the conversation" : "it did not answer in time");
    }

    private interface Condition {
        boolean holds();
    }

    /** Returns when the condition holds. The lock is held. @throws PpiofsException NOT_CONNECTED, INTERRUPTED */
    private void await(Duration patience, Condition condition) {
        long until = System.nanoTime() + patience.toNanos();
        while (!condition.holds()) {
            long left = until - System.nanoTime();
            if (left <= 0) {
                throw over();
            }
            try {
                // a stream that ends does not always tell that it is not writable any more
                wait(Math.max(1, Math.min(1000, TimeUnit.NANOSECONDS.toMillis(left))));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PpiofsException(
                        ErrorKind.INTERRUPTED, "deal with", peer().toString(), "this node is closing", e);
            }
        }
    }

    /** Nothing more is said; what was said is still sent. Idempotent. */
    @Override
    public void close() {
        synchronized (this) {
            ended = true;
            notifyAll();
        }
        var unused = stream.closeWrite();
    }

    /** Ends the conversation at once. Idempotent. */
    public void reset() {
        end(null);
        stream.reset();
    }
}
