package io.ppiofs.overlay.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Answers that are not taken. */
@Tag("quick")
class QuestionServerTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final int ANSWER = 7 << 20;

    private final SimNetwork net = new SimNetwork(1);
    private final SimHost holder = net.addHost();
    private final ProtocolId protocol = AuditProtocol.seal(Network.PUBLIC);
    private final List<CompletableFuture<Void>> sending = new ArrayList<>();

    /** A stream whose writes are done only when the test says so. */
    private final class Slow implements Stream {
        private final Stream stream;

        Slow(Stream stream) {
            this.stream = stream;
        }

        @Override
        public ProtocolId protocol() {
            return stream.protocol();
        }

        @Override
        public Connection connection() {
            return stream.connection();
        }

        @Override
        public Direction direction() {
            return stream.direction();
        }

        @Override
        public void read(Reader reader) {
            stream.read(reader);
        }

        @Override
        public void setReading(boolean reading) {
            stream.setReading(reading);
        }

        @Override
        public CompletableFuture<Void> write(ByteBuf data) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            sending.add(done);
            var ignored = stream.write(data);
            return done;
        }

        @Override
        public boolean isWritable() {
            return stream.isWritable();
        }

        @Override
        public CompletableFuture<Void> closeWrite() {
            return stream.closeWrite();
        }

        @Override
        public void reset() {
            stream.reset();
        }
    }

    /** Whether somebody new gets an answer; else he hears BUSY. */
    private boolean isAnswered() {
        SimHost asker = net.addHost();
        asker.knows(holder);
        holder.knows(asker);
        CompletableFuture<Boolean> answer = AuditProtocol.ask(
                        asker, holder.id(), protocol, new byte[] {1}, ANSWER + 100, LIMIT, fields -> {
                            fields.bytes(2, 1, ANSWER);
                            return true;
                        })
                .exceptionally(failure -> {
                    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
                    assertThat(cause)
                            .isInstanceOfSatisfying(
                                    PpiofsException.class,
                                    e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(ErrorKind.BUSY));
                    return false;
                });
        return net.await(answer, LIMIT.multipliedBy(2));
    }

    @Test
    void answers_that_nobody_takes_are_bounded_over_all_askers() {
        QuestionServer server = new QuestionServer(
                holder,
                protocol,
                100,
                ANSWER + 100,
                (asker, question) -> CborMap.builder().put(2, new byte[ANSWER]),
                new QuestionServer.Workers(Runnable::run, () -> {}));
        holder.handle(protocol, stream -> server.accept(new Slow(stream)));
        for (int i = 0; i < 5; i++) {
            assertThat(isAnswered()).as("answer " + i).isTrue();
        }
        assertThat(isAnswered()).as("32 MiB are being sent").isFalse();
        sending.get(0).complete(null);
        assertThat(isAnswered()).isTrue();
        assertThat(isAnswered()).isFalse();
        sending.get(1).completeExceptionally(new IllegalStateException("reset"));
        assertThat(isAnswered()).isTrue();
    }
}
