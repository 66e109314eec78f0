package io.ppiofs.overlay.host;

import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;

/** Protocols of one request and one answer to a stream, each a message of a {@link MessageChannel}. Stateless. */
public final class SingleExchange {
    private SingleExchange() {}

    /**
     * Asks a peer.
     *
     * @param patience for the answer, once the stream is open
     * @param ended makes the failure, of the peer and half a sentence on what happened
     * @return the answer; fails as {@link Host#open} does, or with what {@code ended} makes
     */
    public static CompletableFuture<byte[]> ask(
            Host host,
            PeerId peer,
            ProtocolId protocol,
            byte[] request,
            int maxMessage,
            Duration patience,
            BiFunction<String, String, RuntimeException> ended) {
        return host.open(peer, protocol)
                .thenCompose(stream -> exchange(host, stream, request, maxMessage, patience, ended));
    }

    private static CompletableFuture<byte[]> exchange(
            Host host,
            Stream stream,
            byte[] request,
            int maxMessage,
            Duration patience,
            BiFunction<String, String, RuntimeException> ended) {
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        String subject = stream.connection().remotePeer().toString();
        Scheduler.Timer late = host.scheduler().schedule(patience, () -> {
            if (result.completeExceptionally(ended.apply(subject, "no answer in " + patience.toSeconds() + " s"))) {
                stream.reset();
            }
        });
        result.whenComplete((answer, failure) -> late.cancel());
        MessageChannel channel = new MessageChannel(stream, maxMessage);
        channel.receive(new MessageChannel.Receiver() {
            @Override
            public void onMessage(byte[] message) {
                if (!result.complete(message)) {
                    stream.reset();
                }
            }

            @Override
            public void onEnd(boolean complete) {
                result.completeExceptionally(ended.apply(subject, "the stream ended without an answer"));
            }

            @Override
            public void onReset(Throwable cause) {
                result.completeExceptionally(ended.apply(subject, "the stream was reset"));
            }
        });
        channel.send(request).whenComplete((sent, failure) -> {
            if (failure != null) {
                result.completeExceptionally(ended.apply(subject, "it could not be sent"));
            }
        });
        var unused = stream.closeWrite();
        return result;
    }

    /**
     * Takes the one request of a stream; one that sends another, or none for too long, is reset.
     *
     * @param maxMessage longest request and answer
     * @param taken gets the request on the connection's loop; it answers on the channel
     */
    public static void accept(
            Host host, Stream stream, int maxMessage, Duration patience, BiConsumer<MessageChannel, byte[]> taken) {
        accept(host, new MessageChannel(stream, maxMessage), patience, taken);
    }

    /** The same on a channel that may answer with more than it takes. */
    public static void accept(
            Host host, MessageChannel channel, Duration patience, BiConsumer<MessageChannel, byte[]> taken) {
        Stream stream = channel.stream();
        Scheduler.Timer late = host.scheduler().schedule(patience, stream::reset);
        channel.receive(new MessageChannel.Receiver() {
            private boolean asked;

            @Override
            public void onMessage(byte[] message) {
                late.cancel();
                if (asked) {
                    stream.reset();
                    return;
                }
                asked = true;
                taken.accept(channel, message);
            }

            @Override
            public void onEnd(boolean complete) {
                if (!asked) {
                    late.cancel();
                    stream.reset();
                }
            }

            @Override
            public void onReset(Throwable cause) {
                late.cancel();
            }
        });
    }
}
