package io.ppiofs.overlay.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.blocks.BlockPeers;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Conversations between real nodes on loopback. */
class PodLinkTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final BlockPeers peers = new BlockPeers();
    private final OverlayNode asking = peers.node();
    private final OverlayNode serving = peers.node();
    private final PodClient client = new PodClient(asking.host(), Network.PUBLIC);
    private final List<PodServer> servers = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        servers.forEach(PodServer::close);
        peers.close();
    }

    private void serve(PodServer.Conversation conversation) {
        PodServer server = new PodServer(serving.host(), Network.PUBLIC, conversation);
        servers.add(server);
        server.serve();
        BlockPeers.knows(asking, serving);
    }

    private static void hold(CountDownLatch over) {
        try {
            assertThat(over.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private PodLink open() {
        return BlockPeers.get(client.open(serving.host().id()));
    }

    private static void assertEnds(ErrorKind kind, PodLink link) {
        assertThatThrownBy(() -> link.receive(PATIENCE))
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    @Test
    void messages_come_as_they_were_sent_in_both_directions() {
        serve(link -> {
            assertThat(link.peer()).isEqualTo(asking.host().id());
            byte[] order = link.receive(PodMessage.ORDER, PATIENCE);
            link.send(PodMessage.COMMITTED, order, PATIENCE);
            link.send(PodMessage.LEAVES, new byte[PodLink.MAX_BODY], PATIENCE);
        });
        try (PodLink link = open()) {
            link.send(PodMessage.ORDER, new byte[] {1, 2, 3}, PATIENCE);
            assertThat(link.receive(PodMessage.COMMITTED, PATIENCE)).containsExactly(1, 2, 3);
            assertThat(link.receive(PodMessage.LEAVES, PATIENCE)).hasSize(PodLink.MAX_BODY);
            assertEnds(ErrorKind.NOT_CONNECTED, link);
        }
    }

    @Test
    void a_refusal_keeps_its_kind_and_its_sentence() {
        for (ErrorKind kind :
                List.of(ErrorKind.CORRUPT, ErrorKind.NOT_PERMITTED, ErrorKind.NOT_FOUND, ErrorKind.BUSY)) {
            serve(link -> {
                throw new PpiofsException(kind, "sell", "x", "this is why");
            });
            try (PodLink link = open()) {
                link.send(PodMessage.ORDER, new byte[1], PATIENCE);
                assertThatThrownBy(() -> link.receive(PATIENCE))
                        .hasMessageContaining("this is why")
                        .isInstanceOfSatisfying(
                                PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
            }
        }
        serve(link -> {
            throw new IllegalStateException("a defect");
        });
        try (PodLink link = open()) {
            link.send(PodMessage.ORDER, new byte[1], PATIENCE);
            assertEnds(ErrorKind.IO, link);
        }
    }

    /** 64 MiB to somebody who takes his time: what is on the way is bounded, and nothing is lost. */
    @Test
    void who_sends_waits_for_who_does_not_read() {
        int messages = 1024;
        byte[] body = new byte[64 << 10];
        AtomicLong sent = new AtomicLong();
        serve(link -> {
            var unused = link.receive(PATIENCE);
            for (int i = 0; i < messages; i++) {
                link.send(PodMessage.LEAVES, body, PATIENCE);
                sent.incrementAndGet();
            }
        });
        try (PodLink link = open()) {
            link.send(PodMessage.ORDER, new byte[1], PATIENCE);
            AtomicLong before = new AtomicLong(-1);
            await("the sender stops")
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(300))
                    .until(() -> before.getAndSet(sent.get()) == sent.get() && sent.get() > 0);
            assertThat(sent.get() * body.length).isLessThan(24 << 20);
            for (int i = 0; i < messages; i++) {
                assertThat(link.receive(PodMessage.LEAVES, PATIENCE)).hasSameSizeAs(body);
            }
            assertEnds(ErrorKind.NOT_CONNECTED, link);
        }
    }

    @Test
    void nobody_waits_longer_than_it_says() {
        CountDownLatch over = new CountDownLatch(1);
        serve(link -> {
            var unused = link.receive(PATIENCE);
            hold(over);
        });
        try (PodLink link = open()) {
            link.send(PodMessage.ORDER, new byte[1], PATIENCE);
            assertThatThrownBy(() -> link.receive(Duration.ofMillis(50))).hasMessageContaining("in time");
        } finally {
            over.countDown();
        }
    }

    @Test
    void a_peer_has_four_conversations_and_no_more() {
        CountDownLatch over = new CountDownLatch(1);
        serve(link -> {
            var unused = link.receive(PATIENCE);
            link.send(PodMessage.ESCROW, new byte[0], PATIENCE);
            hold(over);
        });
        List<PodLink> links = new ArrayList<>();
        try {
            for (int i = 0; i < 4; i++) {
                PodLink link = open();
                links.add(link);
                link.send(PodMessage.ORDER, new byte[1], PATIENCE);
                assertThat(link.receive(PodMessage.ESCROW, PATIENCE)).isEmpty();
            }
            assertThatThrownBy(() -> {
                        try (PodLink fifth = open()) {
                            fifth.send(PodMessage.ORDER, new byte[1], PATIENCE);
                            fifth.receive(PodMessage.ESCROW, PATIENCE);
                        }
                    })
                    .isInstanceOf(PpiofsException.class);
        } finally {
            over.countDown();
            links.forEach(PodLink::close);
        }
    }

    @Test
    void a_message_that_is_none_ends_the_conversation() {
        serve(link -> {
            var unused = link.receive(PATIENCE);
        });
        ProtocolId protocol = PodServer.id(Network.PUBLIC);
        for (byte[] bad : new byte[][] {{0}, {1, 99}, {-1, -1, -1, -1, 15}}) {
            Stream stream = BlockPeers.get(asking.host().open(serving.host().id(), protocol));
            PodLink link = new PodLink(stream);
            link.begin(() -> {});
            var sent = stream.write(Unpooled.wrappedBuffer(bad));
            assertThatThrownBy(() -> link.receive(PATIENCE))
                    .isInstanceOfSatisfying(
                            PpiofsException.class,
                            e -> assertThat(e.kind()).isIn(ErrorKind.NOT_CONNECTED, ErrorKind.CORRUPT));
            assertThat(sent).isNotNull();
            link.reset();
        }
    }
}
