package io.ppiofs.node.deals;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.blocks.BlockHost;
import io.ppiofs.overlay.blocks.BlockSource;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.pod.PodLink;
import io.ppiofs.overlay.pod.PodMessage;
import io.ppiofs.proofs.pod.PodBlocks;
import io.ppiofs.proofs.pod.PodLayout;
import io.ppiofs.proofs.pod.PodOrder;
import io.ppiofs.proofs.pod.PodProof;
import io.ppiofs.proofs.pod.PodProviderDeal;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The provider: sells hosted blocks, {@value #AT_ONCE} deals at a time, through verifiers that it trusts, and collects the
 * proofs. A deal takes 40 bytes of memory per 4 KiB until it is served. Thread-safe.
 */
final class Seller implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Seller.class);

    private static final int AT_ONCE = 8;

    /** Proofs that are waited for. */
    private static final int UNPAID = 256;

    /** Proofs that are kept; the operator takes them away. */
    private static final int KEPT = 10_000;

    private static final int LEAVES_AT_ONCE = 16;
    private static final int KEY = 32;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration COLLECTING = Duration.ofSeconds(1);
    private static final Duration SLOWEST = Duration.ofSeconds(30);

    private final DealContext context;
    private final DealPolicy policy;
    private final Supplier<@Nullable BlockHost> hosted;
    private final Path proofs;
    private final Semaphore places = new Semaphore(AT_ONCE);
    private final Workers workers = new Workers(1);
    private final Queue<Unpaid> unpaid = new ConcurrentLinkedQueue<>();
    private final ScheduledExecutorService collector =
            Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("deals", true, Thread.MIN_PRIORITY));

    /**
     * @param hosted what is sold; null if nothing
     * @param proofs directory for the proofs of what was sold
     */
    Seller(DealContext context, DealPolicy policy, Supplier<@Nullable BlockHost> hosted, Path proofs) {
        this.context = context;
        this.policy = policy;
        this.hosted = hosted;
        this.proofs = proofs;
        collector.scheduleWithFixedDelay(
                this::collect, COLLECTING.toMillis(), COLLECTING.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** A user orders: commit, give the key to the verifier, serve. */
    void order(PodLink link, byte[] body) {
        PodOrder order = PodProviderDeal.orderOf(
                context.network, context.self, context.times, link.peer().toBytes(), body, context.now());
        BlockHost blocks = hosted.get();
        if (blocks == null || policy.verifiers().isEmpty()) {
            throw refused(ErrorKind.NOT_SUPPORTED, "this node sells nothing");
        }
        PeerId verifier = PeerId.fromBytes(order.verifier());
        if (!policy.verifiers().contains(verifier)) {
            throw refused(
                    ErrorKind.NOT_PERMITTED,
                    "the verifier is none that this node trusts; it trusts "
                            + policy.verifiers().stream()
                                    .map(PeerId::toString)
                                    .sorted()
                                    .toList());
        }
        if (kept() >= KEPT) {
            throw refused(ErrorKind.NO_SPACE, "the operator has not taken the proofs of earlier deals away");
        }
        if (unpaid.size() >= UNPAID || !places.tryAcquire()) {
            throw refused(ErrorKind.BUSY, "too many deals are under way");
        }
        try {
            sell(link, order, verifier, blocks);
        } finally {
            places.release();
        }
    }

    private void sell(PodLink link, PodOrder order, PeerId verifier, BlockHost blocks) {
        try (Shelf shelf = new Shelf(blocks, link.peer(), order)) {
            PodProviderDeal deal = PodProviderDeal.commit(
                    context.network,
                    context.self,
                    context.times,
                    order,
                    shelf,
                    context.random(KEY),
                    workers,
                    context::now);
            byte[] escrow = escrow(deal, verifier);
            try {
                unpaid.add(new Unpaid(deal)); // once it knows the commitment, the user can sign
                link.send(
                        PodMessage.COMMITTED,
                        CborEncoder.encode(CborMap.builder()
                                .put(1, deal.commitment().encoded())
                                .put(2, escrow)
                                .build()),
                        DealContext.PROMPT);
                serve(link, deal);
            } finally {
                synchronized (deal) {
                    deal.served();
                }
            }
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "sell", "blocks", String.valueOf(e.getMessage()), e);
        }
    }

    private byte[] escrow(PodProviderDeal deal, PeerId verifier) throws IOException {
        try (PodLink escrow = context.open(verifier)) {
            escrow.send(
                    PodMessage.OFFER,
                    CborEncoder.encode(CborMap.builder()
                            .put(1, deal.order().encoded())
                            .put(2, deal.commitment().encoded())
                            .put(3, deal.key())
                            .build()),
                    DealContext.PROMPT);
            byte[] seed = escrow.receive(PodMessage.CHALLENGE, DealContext.PROMPT);
            for (int leaf : deal.challenged(seed, context.now())) {
                escrow.send(PodMessage.OPENING, deal.opening(leaf).encode(), DealContext.PROMPT);
            }
            byte[] note = escrow.receive(PodMessage.ESCROW, DealContext.PROMPT);
            deal.escrowed(note, context.now());
            return note;
        }
    }

    private void serve(PodLink link, PodProviderDeal deal) throws IOException {
        int leaves = deal.commitment().layout().leaves();
        byte[] piece = new byte[LEAVES_AT_ONCE * PodLayout.LEAF];
        for (int first = 0; first < leaves; first += LEAVES_AT_ONCE) {
            int count = Math.min(LEAVES_AT_ONCE, leaves - first);
            synchronized (deal) { // the collector may hear of its end meanwhile
                deal.read(first, count, piece, context.now());
            }
            link.send(
                    PodMessage.LEAVES,
                    count == LEAVES_AT_ONCE ? piece : Arrays.copyOf(piece, count * PodLayout.LEAF),
                    SLOWEST);
        }
    }

    private static PpiofsException refused(ErrorKind kind, String detail) {
        return new PpiofsException(kind, "sell", "blocks", detail);
    }

    /** The blocks of an order. */
    private static final class Shelf implements PodBlocks, AutoCloseable {
        private final List<BlockSource> sources = new ArrayList<>();

        Shelf(BlockHost blocks, PeerId user, PodOrder order) {
            try {
                for (byte[] digest : order.cids()) {
                    Cid cid = Cid.ofDigest(digest);
                    BlockSource source = blocks.open(user, cid);
                    if (source == null) {
                        throw refused(ErrorKind.NOT_FOUND, "block " + cid + " is not here");
                    }
                    sources.add(source);
                }
            } catch (RuntimeException e) {
                close();
                throw e;
            }
        }

        @Override
        public int length(int block) {
            return sources.get(block).length();
        }

        @Override
        public void read(int block, int offset, byte[] out, int at, int length) {
            sources.get(block).read(offset, ByteBuffer.wrap(out, at, length));
        }

        @Override
        public void close() {
            sources.forEach(BlockSource::close);
        }
    }

    // ------------------------------------------------------------------------------------------- what it is paid for

    /** A deal whose end the verifier has to tell. */
    private static final class Unpaid {
        private final PodProviderDeal deal;
        private long askAtMillis;
        private long pauseMillis = COLLECTING.toMillis();

        Unpaid(PodProviderDeal deal) {
            this.deal = deal;
        }
    }

    /** Asks the verifiers how deals ended, each less and less often. */
    private void collect() {
        for (Unpaid each : unpaid) {
            if (context.now() >= each.askAtMillis && isOver(each.deal)) {
                unpaid.remove(each);
            }
            if (context.now() >= each.askAtMillis) {
                each.askAtMillis = context.now() + each.pauseMillis;
                each.pauseMillis = Math.min(LONGEST_PAUSE.toMillis(), 2 * each.pauseMillis);
            }
        }
    }

    private boolean isOver(PodProviderDeal deal) {
        try {
            PodProof.Finding finding = collected(deal);
            LOG.info("deal {} has ended: {}, {} bytes", name(deal), finding.outcome(), finding.bytes());
            return true;
        } catch (RuntimeException | IOException e) {
            LOG.debug("no proof yet of deal {}: {}", name(deal), e.toString());
            boolean hopeless =
                    context.now() > deal.untilMillis() + context.times.order().toMillis();
            if (hopeless) {
                LOG.info("deal {} has ended without a proof: {}", name(deal), e.getMessage());
            }
            return hopeless;
        }
    }

    /** Only what shows a delivery is kept: others could fill the disk with deals that they break off. */
    private PodProof.Finding collected(PodProviderDeal deal) throws IOException {
        PeerId verifier = PeerId.fromBytes(deal.order().verifier());
        try (PodLink link = context.open(verifier)) {
            link.send(PodMessage.ASK_PROOF, deal.order().deal(), DealContext.PROMPT);
            byte[] proof = link.receive(PodMessage.PROOF, DealContext.PROMPT);
            PodProof.Finding finding;
            synchronized (deal) {
                finding = deal.ended(proof);
            }
            if (finding.isDelivered()) {
                Files.createDirectories(proofs);
                DurableFile.replace(proofs.resolve(name(deal) + ".pod"), proof, "keep proof");
            }
            return finding;
        }
    }

    private static String name(PodProviderDeal deal) {
        return HexFormat.of().formatHex(deal.order().deal());
    }

    private long kept() {
        if (!Files.isDirectory(proofs)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(proofs)) {
            return files.count();
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "sell", proofs.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    /** Proofs that are still to come are lost. */
    @Override
    public void close() {
        collector.shutdownNow();
        workers.close();
    }
}
