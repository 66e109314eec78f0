package io.ppiofs.node.deals;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import io.ppiofs.overlay.blocks.BlockHost;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.pod.PodLink;
import io.ppiofs.overlay.pod.PodServer;
import io.ppiofs.proofs.pod.PodOrder;
import io.ppiofs.proofs.pod.PodProof;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A node's part in deals: buys on command; sells and verifies as its policy says. Thread-safe. */
public final class DealService implements AutoCloseable {
    private static final Duration FIRST_WORD = Duration.ofSeconds(1);

    private final Buyer buyer;
    private final Seller seller;
    private final EscrowDesk desk;
    private final DealPolicy policy;
    private final PodServer server;

    /**
     * @param hosted what it sells; null if it hosts nothing
     * @param proofs directory for the proofs of what it sold
     * @param reach connects to a peer, wherever it is
     */
    public DealService(
            Host host,
            Network network,
            DealPolicy policy,
            Supplier<@Nullable BlockHost> hosted,
            Path proofs,
            Function<PeerId, CompletableFuture<?>> reach) {
        DealContext context = new DealContext(host, network, reach);
        this.policy = policy;
        this.buyer = new Buyer(context);
        this.seller = new Seller(context, policy, hosted, proofs);
        this.desk = new EscrowDesk(context);
        this.server = new PodServer(host, network, this::hold);
    }

    /** Begins to sell and to verify; a node that does neither does not speak the protocol. */
    public void serve() {
        if (policy.verifies() || !policy.verifiers().isEmpty()) {
            server.serve();
        }
    }

    private void hold(PodLink link) {
        PodLink.Received first = link.receive(FIRST_WORD);
        switch (first.type()) {
            case ORDER -> seller.order(link, first.body());
            case OFFER -> verifying().offer(link, first.body());
            case RECEIPT -> verifying().receipt(link, first.body());
            case ASK_PROOF -> verifying().ask(link, first.body());
            default ->
                throw new PpiofsException(ErrorKind.CORRUPT, "deal", "conversation", "begins with " + first.type());
        }
    }

    private EscrowDesk verifying() {
        if (!policy.verifies()) {
            throw new PpiofsException(ErrorKind.NOT_SUPPORTED, "verify", "deal", "this node is no verifier");
        }
        return desk;
    }

    /**
     * The operation behind {@code ppiofs fetch}. May take long.
     *
     * @throws PpiofsException INVALID; and as {@link Buyer#buy}
     */
    public Map<String, @Nullable Object> fetch(Request request, Progress progress, BooleanSupplier cancelled) {
        List<Cid> cids = request.texts("cids").stream().map(Cid::parse).toList();
        if (cids.isEmpty() || cids.size() > PodOrder.MAX_BLOCKS) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "fetch", cids.size() + " blocks", "give 1 to " + PodOrder.MAX_BLOCKS + " CIDs");
        }
        Long challenges = request.numberOrNull("challenges");
        if (challenges != null && (challenges < 1 || challenges > PodOrder.MAX_CHALLENGES)) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "fetch", "challenges", "must be from 1 to " + PodOrder.MAX_CHALLENGES);
        }
        String proof = request.textOrNull("proof");
        Buyer.Bought bought = buyer.buy(
                new Buyer.Purchase(
                        cids,
                        PeerId.parse(request.text("from")),
                        PeerId.parse(request.text("verifier")),
                        challenges == null ? PodOrder.USUAL_CHALLENGES : challenges.intValue(),
                        Path.of(request.text("out")),
                        proof == null ? null : Path.of(proof)),
                progress,
                cancelled);
        Map<String, @Nullable Object> answer = describe(bought.finding());
        answer.put("files", bought.files().stream().map(Path::toString).toList());
        answer.put("proof", bought.proof().toString());
        return answer;
    }

    /** What a proof shows, as facts. */
    public static Map<String, @Nullable Object> describe(PodProof.Finding finding) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("deal", HexFormat.of().formatHex(finding.deal()));
        facts.put("outcome", finding.outcome().name());
        facts.put("user", PeerId.fromBytes(finding.user()).toString());
        facts.put("provider", PeerId.fromBytes(finding.provider()).toString());
        facts.put("verifier", PeerId.fromBytes(finding.verifier()).toString());
        facts.put("blocks", (long) finding.blocks());
        facts.put("bytes", finding.bytes());
        facts.put("decidedMillis", finding.decidedMillis());
        facts.put("accepted", finding.verdict().accepted());
        facts.put("reason", finding.verdict().reason());
        return facts;
    }

    @Override
    public void close() {
        server.close();
        seller.close();
    }
}
