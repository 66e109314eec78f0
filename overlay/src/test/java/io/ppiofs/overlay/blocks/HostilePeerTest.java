package io.ppiofs.overlay.blocks;

import static io.ppiofs.overlay.blocks.BlockPeers.get;
import static io.ppiofs.overlay.blocks.BlockPeers.id;
import static io.ppiofs.overlay.blocks.MemoryBlockHost.cids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.NoLeaks;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Opening;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.wire.BlocksWire.Data;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Get;
import io.ppiofs.overlay.wire.BlocksWire.Has;
import io.ppiofs.overlay.wire.BlocksWire.Hello;
import io.ppiofs.overlay.wire.BlocksWire.Missing;
import io.ppiofs.overlay.wire.BlocksWire.Put;
import io.ppiofs.overlay.wire.BlocksWire.Receipt;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Peers that break the protocol, or keep to it and lie. */
@ExtendWith(NoLeaks.class)
class HostilePeerTest {
    private static final List<StoredBlock> BLOCKS = MemoryBlockHost.random(1, 2, 200_000);

    private final BlockPeers peers = new BlockPeers();

    @AfterEach
    void close() throws Exception {
        peers.close();
    }

    private static void assertFails(ErrorKind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    /** The other end of a stream, driven by hand. */
    private static final class Hand implements Stream.Reader, FrameDecoder.Target {
        final Stream stream;
        final CompletableFuture<Void> over = new CompletableFuture<>();
        final List<Frame> frames = new CopyOnWriteArrayList<>();
        private final BiConsumer<Hand, Frame> onFrame;
        private final FrameDecoder decoder = new FrameDecoder(this);

        Hand(Stream stream, BiConsumer<Hand, Frame> onFrame) {
            this.stream = stream;
            this.onFrame = onFrame;
            stream.read(this);
        }

        void send(Frame frame, byte... payload) {
            stream.write(Unpooled.wrappedBuffer(Wire.encode(frame, 0), Unpooled.wrappedBuffer(payload)));
        }

        void data(int request, int index, int offset, int total, byte... payload) {
            send(
                    Frame.newBuilder()
                            .setData(Data.newBuilder()
                                    .setRequest(request)
                                    .setIndex(index)
                                    .setOffset(offset)
                                    .setTotal(total)
                                    .setLength(payload.length))
                            .build(),
                    payload);
        }

        @Override
        public void onData(ByteBuf data) {
            try {
                decoder.decode(data);
            } finally {
                data.release();
            }
        }

        @Override
        public void onFrame(Frame frame) {
            frames.add(frame);
            onFrame.accept(this, frame);
        }

        @Override
        public void onPayload(ByteBuf part, boolean last) {
            assertThat(part.readableBytes()).isPositive();
        }

        @Override
        public void onEnd() {
            over.complete(null);
        }

        @Override
        public void onReset(Throwable cause) {
            over.complete(null);
        }
    }

    /** A server that says hello and then does what the test wants. */
    private OverlayNode lying(BiConsumer<Hand, Frame> onFrame) {
        OverlayNode node = peers.node();
        node.host().handle(BlockPeers.PROTOCOL, stream -> new Hand(stream, onFrame).send(Wire.hello(100, 1 << 23)));
        return node;
    }

    private void fetchFails(ErrorKind kind, BiConsumer<Hand, Frame> onFrame) {
        OverlayNode liar = lying(onFrame);
        BlockClient client = peers.client(peers.node(), peers.options().withStall(Duration.ofMillis(400)), liar);
        BlockSink sink = (index, cid, bytes) -> {
            throw new AssertionError("a wrong block was given on");
        };
        assertFails(
                kind,
                () -> get(client.get(id(liar), cids(BLOCKS), Priority.FOREGROUND, sink)
                        .done()));
    }

    @Test
    void wrong_bytes_are_never_given_on_and_are_remembered() {
        MemoryBlockHost host = new MemoryBlockHost().with(BLOCKS);
        host.blocks.put(BLOCKS.get(1).cid(), BLOCKS.get(0).bytes());
        OverlayNode liar = peers.serving(host, BlockLimits.DEFAULT);
        List<Object> wrong = new CopyOnWriteArrayList<>();
        ClientOptions options = peers.options().withWrongBytes((peer, cid) -> wrong.addAll(List.of(peer, cid)));
        BlockClient client = peers.client(peers.node(), options, liar);
        List<Cid> given = new CopyOnWriteArrayList<>();
        Fetch fetch = client.get(id(liar), cids(BLOCKS), Priority.FOREGROUND, (index, cid, bytes) -> given.add(cid));
        assertFails(ErrorKind.CORRUPT, () -> get(fetch.done()));
        assertThat(given).containsExactly(BLOCKS.get(0).cid());
        assertThat(wrong).containsExactly(id(liar), BLOCKS.get(1).cid());
        assertThat(client.statistics(id(liar)).corrupt()).isEqualTo(1);
        assertThat(fetch.rest().cids()).containsExactly(BLOCKS.get(1).cid());
        assertThat(fetch.rest().resumeOffset()).as("nothing of it is believed").isZero();
    }

    @Test
    void a_peer_that_claims_to_have_and_has_not_is_missing_it() {
        OverlayNode liar = lying((hand, frame) -> {
            if (frame.hasHave()) {
                hand.send(Frame.newBuilder()
                        .setHas(Has.newBuilder()
                                .setRequest(frame.getHave().getRequest())
                                .setBits(ByteString.copyFrom(new byte[] {3})))
                        .build());
            } else if (frame.hasGet()) {
                for (int i = 0; i < 2; i++) {
                    hand.send(Frame.newBuilder()
                            .setMissing(Missing.newBuilder()
                                    .setRequest(frame.getGet().getRequest())
                                    .setIndex(i))
                            .build());
                }
            }
        });
        BlockClient client = peers.client(liar);
        assertThat(get(client.have(id(liar), cids(BLOCKS))).cardinality()).isEqualTo(2);
        List<Integer> missing = new CopyOnWriteArrayList<>();
        get(client.get(id(liar), cids(BLOCKS), Priority.FOREGROUND, new BlockSink() {
                    @Override
                    public void onBlock(int index, Cid cid, ByteBuffer bytes) {
                        throw new AssertionError("it has none");
                    }

                    @Override
                    public void onMissing(int index, Cid cid) {
                        missing.add(index);
                    }
                })
                .done());
        assertThat(missing).containsExactly(0, 1);
    }

    @Test
    void a_bitmap_for_more_than_was_asked_is_refused() {
        OverlayNode liar = lying((hand, frame) -> {
            if (frame.hasHave()) {
                hand.send(Frame.newBuilder()
                        .setHas(Has.newBuilder()
                                .setRequest(frame.getHave().getRequest())
                                .setBits(ByteString.copyFrom(new byte[] {7})))
                        .build());
            }
        });
        BlockClient client = peers.client(liar);
        assertFails(ErrorKind.CORRUPT, () -> get(client.have(id(liar), cids(BLOCKS))));
    }

    @Test
    void a_block_beyond_the_largest_is_refused_before_memory_is_taken() {
        fetchFails(ErrorKind.CORRUPT, (hand, frame) -> {
            if (frame.hasGet()) {
                hand.data(frame.getGet().getRequest(), 0, 0, Integer.MAX_VALUE, new byte[10]);
            }
        });
    }

    @Test
    void more_bytes_than_the_block_has_are_refused() {
        fetchFails(ErrorKind.CORRUPT, (hand, frame) -> {
            if (frame.hasGet()) {
                hand.data(frame.getGet().getRequest(), 0, 0, 5, new byte[6]);
            }
        });
    }

    @Test
    void an_answer_out_of_order_is_refused() {
        fetchFails(ErrorKind.CORRUPT, (hand, frame) -> {
            if (frame.hasGet()) {
                hand.data(frame.getGet().getRequest(), 1, 0, 200_000, new byte[10]);
            }
        });
    }

    @Test
    void a_peer_that_never_answers_is_given_up() {
        fetchFails(ErrorKind.IO, (hand, frame) -> {});
    }

    @Test
    void a_peer_that_answers_byte_by_byte_is_given_up() {
        fetchFails(ErrorKind.IO, (hand, frame) -> {
            if (frame.hasGet()) {
                for (int i = 0; i < 1000; i++) {
                    hand.data(frame.getGet().getRequest(), 0, i, i == 0 ? 200_000 : 0, new byte[1]);
                }
            }
        });
    }

    @Test
    void a_peer_that_never_says_hello_is_given_up() {
        OverlayNode silent = peers.node();
        silent.host().handle(BlockPeers.PROTOCOL, stream -> new Hand(stream, (hand, frame) -> {}));
        BlockClient client = peers.client(peers.node(), peers.options().withStall(Duration.ofMillis(300)), silent);
        assertFails(ErrorKind.IO, () -> get(client.have(id(silent), cids(BLOCKS))));
    }

    private static Frame insisting(String feature) {
        TreeSet<String> features = new TreeSet<>(List.of(feature));
        byte[] opening = new Opening(1, 1, features, features).encode();
        return Frame.newBuilder()
                .setHello(Hello.newBuilder().setRequests(10).setOpening(ByteString.copyFrom(opening)))
                .build();
    }

    @Test
    void a_server_that_insists_on_an_unknown_feature_is_refused() {
        OverlayNode newer = peers.node();
        newer.host()
                .handle(
                        BlockPeers.PROTOCOL,
                        stream -> new Hand(stream, (hand, frame) -> {}).send(insisting("telepathy")));
        BlockClient client = peers.client(newer);
        assertFails(ErrorKind.NOT_SUPPORTED, () -> get(client.have(id(newer), cids(BLOCKS))));
    }

    @Test
    void a_peer_without_the_protocol_is_told_apart_from_one_that_is_not_there() {
        OverlayNode plain = peers.node();
        BlockClient client = peers.client(plain);
        assertFails(ErrorKind.NOT_SUPPORTED, () -> get(client.have(id(plain), cids(BLOCKS))));
    }

    // ---- clients that break the protocol

    private void isResetBy(Frame first, Frame second, byte... payload) {
        OverlayNode node = peers.node();
        BlockServer server = peers.server(node, new MemoryBlockHost().with(BLOCKS), BlockLimits.DEFAULT);
        OverlayNode hostile = peers.node();
        BlockPeers.knows(hostile, node);
        Hand hand = new Hand(get(hostile.host().open(id(node), BlockPeers.PROTOCOL)), (h, frame) -> {});
        hand.send(first);
        hand.send(second, payload);
        get(hand.over);
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            assertThat(server.statistics().violations()).isEqualTo(1);
            assertThat(server.statistics().streams()).isZero();
        });
    }

    private static Frame.Builder put(int length) {
        PeerId tenant = io.ppiofs.overlay.identity.IdentityKey.generate(new java.security.SecureRandom())
                .peerId();
        return Frame.newBuilder()
                .setPut(Put.newBuilder()
                        .setRequest(1)
                        .setTenant(ByteString.copyFrom(tenant.toBytes()))
                        .setGroup(ByteString.copyFrom(new byte[GroupId.LENGTH]))
                        .setGeneration(1)
                        .setDigests(Wire.digests(cids(BLOCKS.subList(0, 1))))
                        .addLengths(length));
    }

    private static Frame getFrame(int request) {
        return Frame.newBuilder()
                .setGet(Get.newBuilder().setRequest(request).setDigests(Wire.digests(cids(BLOCKS))))
                .build();
    }

    @Test
    void resets_who_asks_before_hello() {
        isResetBy(getFrame(1), Wire.hello(0, 0));
    }

    @Test
    void resets_who_insists_on_an_unknown_feature() {
        isResetBy(insisting("telepathy"), getFrame(1));
    }

    @Test
    void resets_who_puts_a_block_beyond_the_largest() {
        isResetBy(Wire.hello(0, 0), put(BlockLimits.MAX_BLOCK + 1).build());
    }

    @Test
    void resets_who_sends_digests_that_are_none() {
        isResetBy(
                Wire.hello(0, 0),
                Frame.newBuilder()
                        .setGet(Get.newBuilder().setRequest(1).setDigests(ByteString.copyFrom(new byte[33])))
                        .build());
    }

    @Test
    void resets_who_announces_a_payload_beyond_a_piece() {
        isResetBy(
                Wire.hello(0, 0),
                Frame.newBuilder()
                        .setData(Data.newBuilder().setRequest(1).setLength(BlockLimits.PIECE + 1))
                        .build());
    }

    @Test
    void resets_who_sends_a_receipt_that_goes_back() {
        PeerId tenant = io.ppiofs.overlay.identity.IdentityKey.generate(new java.security.SecureRandom())
                .peerId();
        isResetBy(
                Wire.hello(0, 0),
                Frame.newBuilder()
                        .setReceipt(Receipt.newBuilder()
                                .setTenant(ByteString.copyFrom(tenant.toBytes()))
                                .setSequence(0)
                                .setBytes(1))
                        .build());
    }

    @Test
    void resets_who_begins_a_block_and_does_not_end_it() {
        OverlayNode node = peers.node();
        BlockServer server =
                peers.server(node, new MemoryBlockHost(), BlockLimits.DEFAULT.withStall(Duration.ofMillis(300)));
        OverlayNode hostile = peers.node();
        BlockPeers.knows(hostile, node);
        Hand hand = new Hand(get(hostile.host().open(id(node), BlockPeers.PROTOCOL)), (h, frame) -> {
            if (frame.hasAdmission()) {
                h.data(1, 0, 0, 0, new byte[10]);
            }
        });
        hand.send(Wire.hello(0, 0));
        hand.send(put(200_000).build());
        get(hand.over);
        await().atMost(Duration.ofSeconds(30)).until(() -> server.statistics().violations() == 1);
    }

    @Test
    void resets_who_sends_more_than_its_credit() {
        OverlayNode node = peers.node();
        MemoryBlockHost host = new MemoryBlockHost();
        BlockServer server = peers.server(node, host, BlockLimits.DEFAULT.withReceiveRate(1));
        OverlayNode hostile = peers.node();
        BlockPeers.knows(hostile, node);
        Hand hand = new Hand(get(hostile.host().open(id(node), BlockPeers.PROTOCOL)), (h, frame) -> {});
        hand.send(Wire.hello(0, 0));
        // nobody admitted these bytes: they are dropped, and counted
        for (int i = 0; i < BlockLimits.DEFAULT.putWindow() / BlockLimits.PIECE + 10; i++) {
            hand.data(9, 0, 0, 0, new byte[BlockLimits.PIECE]);
        }
        get(hand.over);
        await().atMost(Duration.ofSeconds(30)).until(() -> server.statistics().violations() == 1);
    }
}
