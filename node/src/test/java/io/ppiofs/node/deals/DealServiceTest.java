package io.ppiofs.node.deals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.blocks.BlockHost;
import io.ppiofs.overlay.blocks.BlockSource;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.pod.PodLink;
import io.ppiofs.overlay.pod.PodMessage;
import io.ppiofs.proofs.pod.PodBlocks;
import io.ppiofs.proofs.pod.PodOrder;
import io.ppiofs.proofs.pod.PodOutcome;
import io.ppiofs.proofs.pod.PodProof;
import io.ppiofs.proofs.pod.PodProviderDeal;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deals between three real nodes on loopback. */
@Tag("long")
class DealServiceTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    private Path directory;

    private final List<AutoCloseable> open = new ArrayList<>();
    private final Map<Cid, byte[]> blocks = new LinkedHashMap<>();
    private final OverlayNode user = node();
    private final OverlayNode provider = node();
    private final OverlayNode verifier = node();

    private OverlayNode node() {
        OverlayNode node = new OverlayNode(OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(List.of(Multiaddr.parse("/ip4/127.0.0.1/tcp/0")))
                .privateAddresses(true)
                .build());
        open.add(node);
        node.start().orTimeout(60, TimeUnit.SECONDS).join();
        return node;
    }

    @AfterEach
    void close() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    private static PeerId id(OverlayNode node) {
        return node.host().id();
    }

    /** Connects to whom it knows. */
    private static Function<PeerId, CompletableFuture<?>> reach(OverlayNode node) {
        return peer -> node.host().connect(peer);
    }

    private DealService service(
            OverlayNode node, DealPolicy policy, BlockHost hosted, Function<PeerId, CompletableFuture<?>> reach) {
        for (OverlayNode other : List.of(user, provider, verifier)) {
            if (other != node) {
                node.host().addressBook().addAddresses(id(other), other.host().addresses(), AddressBook.CONFIRMED);
            }
        }
        DealService service =
                new DealService(node.host(), Network.PUBLIC, policy, () -> hosted, directory.resolve("sold"), reach);
        open.add(service);
        service.serve();
        return service;
    }

    private DealService selling(BlockHost hosted) {
        DealService verifying = service(verifier, new DealPolicy(true, Set.of()), new Hosted(false), reach(verifier));
        service(provider, new DealPolicy(false, Set.of(id(verifier))), hosted, reach(provider));
        return verifying;
    }

    private DealService buying() {
        return service(user, DealPolicy.NONE, new Hosted(false), reach(user));
    }

    private void store(int... lengths) {
        Random random = new Random(4);
        for (int length : lengths) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            blocks.put(Cid.of(ByteBuffer.wrap(bytes)), bytes);
        }
    }

    /** The blocks of the test. */
    private final class Hosted implements BlockHost {
        /** Whether what is read again is no longer what it was: committed to, and served, is garbage. */
        private final boolean lying;

        private final Set<String> read = new HashSet<>();

        Hosted(boolean lying) {
            this.lying = lying;
        }

        @Override
        public BitSet has(PeerId asker, List<Cid> cids) {
            return new BitSet();
        }

        @Override
        public BlockSource open(PeerId asker, Cid cid) {
            byte[] bytes = blocks.get(cid);
            return bytes == null
                    ? null
                    : new BlockSource() {
                        @Override
                        public int length() {
                            return bytes.length;
                        }

                        @Override
                        public void read(int offset, ByteBuffer into) {
                            boolean again = !read.add(cid + " " + offset);
                            int at = into.position();
                            into.put(bytes, offset, into.remaining());
                            if (lying && again && offset == 8192) {
                                into.put(at, (byte) (into.get(at) ^ 1));
                            }
                        }
                    };
        }

        @Override
        public Verdict admit(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, int length) {
            return Verdict.refused("not here");
        }

        @Override
        public Verdict store(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, ByteBuffer bytes) {
            return Verdict.refused("not here");
        }

        @Override
        public void durable() {}
    }

    private Map<String, Object> fetch(DealService buyer, int challenges) {
        Request request = new Request("fetch")
                .with("cids", blocks.keySet().stream().map(Cid::toString).toList())
                .with("from", id(provider).toString())
                .with("verifier", id(verifier).toString())
                .with("out", directory.resolve("out").toString())
                .with("challenges", (long) challenges);
        return new LinkedHashMap<>(buyer.fetch(request, Progress.NONE, () -> false));
    }

    private void assertRefused(ErrorKind kind, DealService buyer) throws IOException {
        assertThatThrownBy(() -> fetch(buyer, 4))
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
        assertThat(files("out")).isEmpty();
    }

    private List<Path> files(String name) throws IOException {
        Path where = directory.resolve(name);
        if (!Files.exists(where)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(where)) {
            return all.toList();
        }
    }

    private PodProof.Finding sold() {
        await("the provider has its proof")
                .atMost(PATIENCE)
                .until(() -> files("sold").stream().anyMatch(f -> f.toString().endsWith(".pod")));
        try {
            return PodProof.check(Files.readAllBytes(files("sold").get(0)), DealParty::signed);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void blocks_are_bought_and_both_have_a_proof() throws IOException {
        store(4 << 20, 1, 4096, 4097, 100_000, 64 << 10);
        selling(new Hosted(false));
        Map<String, Object> bought = fetch(buying(), 64);
        assertThat(bought).containsEntry("outcome", "DELIVERED").containsEntry("accepted", true);
        for (Map.Entry<Cid, byte[]> block : blocks.entrySet()) {
            assertThat(Files.readAllBytes(
                            directory.resolve("out").resolve(block.getKey().toString())))
                    .isEqualTo(block.getValue());
        }
        assertThat(files("out")).hasSize(blocks.size() + 1);
        PodProof.Finding finding =
                PodProof.check(Files.readAllBytes(Path.of((String) bought.get("proof"))), DealParty::signed);
        assertThat(finding.isDelivered()).isTrue();
        assertThat(finding.bytes())
                .isEqualTo(blocks.values().stream().mapToLong(b -> b.length).sum());
        assertThat(PeerId.fromBytes(finding.user())).isEqualTo(id(user));
        assertThat(PeerId.fromBytes(finding.provider())).isEqualTo(id(provider));
        assertThat(PeerId.fromBytes(finding.verifier())).isEqualTo(id(verifier));
        PodProof.Finding sold = sold();
        assertThat(sold.isDelivered()).isTrue();
        assertThat(sold.deal()).isEqualTo(finding.deal());
    }

    /** One leaf of 2,048 is garbage, which the verifier's one draw does not find; the user does. */
    @Test
    void garbage_that_slips_through_the_sample_is_shown_by_the_user() throws IOException {
        store(4 << 20, 4 << 20);
        selling(new Hosted(true));
        DealService buyer = buying();
        Map<String, Object> bought;
        try {
            bought = fetch(buyer, 1);
        } catch (PpiofsException e) {
            bought = fetch(buyer, 1); // the draw has found it, as one in a thousand does
        }
        assertThat(bought).containsEntry("outcome", "GARBAGE").containsEntry("accepted", true);
        assertThat((List<?>) bought.get("files")).isEmpty();
        PodProof.Finding finding =
                PodProof.check(Files.readAllBytes(Path.of((String) bought.get("proof"))), DealParty::signed);
        assertThat(finding.outcome()).isEqualTo(PodOutcome.GARBAGE);
        assertThat(files("sold")).isEmpty();
    }

    @Test
    void wholesale_garbage_is_found_before_anything_is_sent() throws IOException {
        store(12_000, 12_000, 12_000);
        selling(new Hosted(true));
        assertThatThrownBy(() -> fetch(buying(), 512)).isInstanceOf(PpiofsException.class);
        assertThat(files("out")).isEmpty();
    }

    @Test
    void a_provider_sells_what_it_has_and_through_whom_it_trusts() throws IOException {
        store(5000);
        service(verifier, new DealPolicy(true, Set.of()), new Hosted(false), reach(verifier));
        service(provider, new DealPolicy(false, Set.of(id(user))), new Hosted(false), reach(provider));
        assertRefused(ErrorKind.NOT_PERMITTED, buying());
    }

    @Test
    void a_block_that_is_not_what_its_cid_says_is_not_sold() throws IOException {
        store(5000);
        selling(new Hosted(false));
        blocks.put(Cid.of(ByteBuffer.wrap(new byte[1])), new byte[] {1});
        assertRefused(ErrorKind.CORRUPT, buying());
    }

    @Test
    void a_peer_that_is_no_verifier_keeps_no_key() throws IOException {
        store(5000);
        service(verifier, new DealPolicy(false, Set.of(id(user))), new Hosted(false), reach(verifier));
        service(provider, new DealPolicy(false, Set.of(id(verifier))), new Hosted(false), reach(provider));
        assertRefused(ErrorKind.NOT_SUPPORTED, buying());
    }

    /** The verifier vanishes when the user has everything but the key: nobody has anything, and nothing is left behind. */
    @Test
    void a_verifier_that_vanishes_leaves_no_data_and_no_proof() throws IOException {
        store(50_000);
        DealService verifying = selling(new Hosted(false));
        DealService buyer = service(user, DealPolicy.NONE, new Hosted(false), peer -> {
            if (peer.equals(id(verifier))) {
                verifying.close();
            }
            return user.host().connect(peer);
        });
        assertThatThrownBy(() -> fetch(buyer, 4))
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).isIn(ErrorKind.NOT_CONNECTED, ErrorKind.NOT_SUPPORTED));
        assertThat(files("out")).isEmpty();
        assertThat(files("sold")).isEmpty();
    }

    /** The conversation is cut when the user has the key and writes files; it says its last word in another one. */
    @Test
    void a_conversation_that_is_lost_after_the_key_is_begun_again() throws IOException {
        store(IntStream.generate(() -> 4 << 20).limit(12).toArray());
        selling(new Hosted(false));
        AtomicInteger conversations = new AtomicInteger();
        DealService buyer = service(user, DealPolicy.NONE, new Hosted(false), peer -> {
            if (peer.equals(id(verifier))) {
                conversations.incrementAndGet();
            }
            return user.host().connect(peer);
        });
        CompletableFuture<Map<String, Object>> bought = CompletableFuture.supplyAsync(() -> fetch(buyer, 4));
        await("the first block is decrypted")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> bought.isDone()
                        || files("out").stream()
                                .anyMatch(f -> !f.getFileName().toString().startsWith(".")));
        user.host().disconnect(id(verifier)).orTimeout(20, TimeUnit.SECONDS).join();
        assertThat(bought.orTimeout(60, TimeUnit.SECONDS).join()).containsEntry("outcome", "DELIVERED");
        assertThat(conversations).hasValueGreaterThan(1);
        assertThat(files("out")).hasSize(13);
        assertThat(sold().isDelivered()).isTrue();
    }

    @Test
    void an_order_begins_one_deal_and_strangers_do_not_hear_of_it() throws IOException {
        store(9000);
        service(verifier, new DealPolicy(true, Set.of()), new Hosted(false), reach(verifier));
        DealContext buyer = new DealContext(user.host(), Network.PUBLIC, reach(user));
        DealContext seller = new DealContext(provider.host(), Network.PUBLIC, reach(provider));
        for (OverlayNode node : List.of(user, provider)) {
            node.host().addressBook().addAddresses(id(verifier), verifier.host().addresses(), AddressBook.CONFIRMED);
        }
        byte[] bytes = blocks.values().iterator().next();
        PodOrder order = PodOrder.sign(
                buyer.network,
                buyer.self,
                seller.self.id(),
                id(verifier).toBytes(),
                buyer.random(PodOrder.NONCE),
                buyer.now(),
                2,
                blocks.keySet().stream().map(Cid::digest).toList());
        PodProviderDeal deal;
        try (Workers workers = new Workers(1)) {
            deal = PodProviderDeal.commit(
                    seller.network,
                    seller.self,
                    seller.times,
                    order,
                    new PodBlocks() {
                        @Override
                        public int length(int block) {
                            return bytes.length;
                        }

                        @Override
                        public void read(int block, int offset, byte[] out, int at, int length) {
                            System.arraycopy(bytes, offset, out, at, length);
                        }
                    },
                    seller.random(32),
                    workers,
                    seller::now);
        }
        byte[] offer = CborEncoder.encode(CborMap.builder()
                .put(1, order.encoded())
                .put(2, deal.commitment().encoded())
                .put(3, deal.key())
                .build());
        try (PodLink first = seller.open(id(verifier));
                PodLink second = seller.open(id(verifier));
                PodLink stranger = buyer.open(id(verifier))) {
            first.send(PodMessage.OFFER, offer, PATIENCE);
            for (int leaf : deal.challenged(first.receive(PodMessage.CHALLENGE, PATIENCE), seller.now())) {
                first.send(PodMessage.OPENING, deal.opening(leaf).encode(), PATIENCE);
            }
            deal.escrowed(first.receive(PodMessage.ESCROW, PATIENCE), seller.now());
            second.send(PodMessage.OFFER, offer, PATIENCE);
            assertSays(ErrorKind.NOT_PERMITTED, second);
            stranger.send(PodMessage.OFFER, offer, PATIENCE);
            assertSays(ErrorKind.NOT_PERMITTED, stranger);
        }
        assertAnswer(ErrorKind.BUSY, seller, order.deal());
        assertAnswer(ErrorKind.BUSY, buyer, order.deal());
        assertAnswer(ErrorKind.NOT_FOUND, buyer, new byte[32]);
        OverlayNode stranger = node();
        stranger.host().addressBook().addAddresses(id(verifier), verifier.host().addresses(), AddressBook.CONFIRMED);
        DealContext other = new DealContext(stranger.host(), Network.PUBLIC, reach(stranger));
        assertAnswer(ErrorKind.NOT_FOUND, other, order.deal());
    }

    private void assertAnswer(ErrorKind kind, DealContext asker, byte[] deal) {
        try (PodLink link = asker.open(id(verifier))) {
            link.send(PodMessage.ASK_PROOF, deal, PATIENCE);
            assertSays(kind, link);
        }
    }

    private static void assertSays(ErrorKind kind, PodLink link) {
        assertThatThrownBy(() -> link.receive(PATIENCE))
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }
}
