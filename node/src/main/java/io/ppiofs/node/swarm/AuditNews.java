package io.ppiofs.node.swarm;

import io.ppiofs.fs.volume.Capability;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditOutcome;
import io.ppiofs.node.audit.FailureListener;
import io.ppiofs.node.audit.FailureReport;
import io.ppiofs.node.audit.VerifierClaim;
import io.ppiofs.node.audit.VerifierDraw;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotTable;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a volume's verifiers and its writer tell each other: who they are, which is what draws are made among, and what failed. Records are
 * signed by a key that the verify capability gives; others' are not heard. Says of itself anew when somebody new is heard, so all know each other soon.
 * Thread-safe.
 */
final class AuditNews implements AuditTopics.Listener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditNews.class);

    /** Verifiers that are counted; a volume has a handful. Whoever has the capability can claim all these names. */
    private static final int MOST = 16;

    /** How often a verifier says of itself, and for how long it is believed. */
    private static final Duration CLAIM_EVERY = Duration.ofMinutes(2);

    private static final Duration CLAIM_LASTS = Duration.ofMinutes(10);

    /** Not more often, however many are new. */
    private static final Duration CLAIM_PAUSE = Duration.ofSeconds(3);

    private final NetworkId network;
    private final IdentityKey verifiers;
    private final PeerId self;
    private final AuditTopics.Topic topic;
    private final LongSupplier wallMillis;

    /** When each said so, by this node's clock, ms since 1970; guarded by this. */
    private final Map<PeerId, Long> heard = new HashMap<>();

    private byte @Nullable [] key;
    private byte @Nullable [] turns;
    private long lastClaim;
    private boolean due;
    private volatile @Nullable FailureListener listener;
    private Gossip.@Nullable Subscription subscription;

    AuditNews(Capability.Verify of, PeerId self, AuditTopics.Topic topic, NetworkId network, LongSupplier wallMillis) {
        this.network = network;
        this.verifiers = IdentityKey.ofSeed(of.verifiersSeed().bytes());
        this.self = self;
        this.topic = topic;
        this.wallMillis = wallMillis;
    }

    /** Begins to listen. @param by who follows what is heard */
    synchronized void start(FailureListener by) {
        listener = by;
        subscription = topic.listen(this);
    }

    /** This node is a verifier itself. @param challenges its key, 48 bytes @param secret see {@link VerifierDraw#isTurn} */
    synchronized void claims(byte[] challenges, byte[] secret) {
        key = challenges;
        turns = secret;
        due = true;
    }

    /** Says so if it is time. To be called every few seconds. */
    void step() {
        byte[] claim = null;
        synchronized (this) {
            long now = wallMillis.getAsLong();
            long since = now - lastClaim;
            byte[] mine = key;
            boolean again = since >= CLAIM_EVERY.toMillis() || due && since >= CLAIM_PAUSE.toMillis() || since < 0;
            if (mine != null && again) {
                claim = VerifierClaim.sign(self, mine, now, verifiers, network);
                lastClaim = now;
                due = false;
            }
        }
        if (claim != null) {
            topic.tell(claim);
        }
    }

    @Override
    public synchronized void claimed(VerifierClaim claim) {
        long now = wallMillis.getAsLong();
        boolean ours =
                claim.signer().equals(verifiers.peerId()) && !claim.verifier().equals(self);
        if (!ours || Math.abs(now - claim.millis()) > CLAIM_LASTS.toMillis()) {
            return;
        }
        forgetOld(now);
        if (heard.containsKey(claim.verifier()) || heard.size() < MOST) {
            due |= heard.put(claim.verifier(), now) == null;
        }
    }

    private void forgetOld(long now) {
        heard.values().removeIf(when -> now - when > CLAIM_LASTS.toMillis());
    }

    /** Other verifiers, as far as they are known. */
    synchronized List<PeerId> others() {
        forgetOld(wallMillis.getAsLong());
        return List.copyOf(heard.keySet());
    }

    /** See {@link VerifierDraw}: what it draws, and what is this verifier's turn although others say that they audit it. */
    boolean isDrawn(SlotTable table, int slot, long epoch) {
        byte[] secret = secret();
        return VerifierDraw.isDrawn(network, table, slot, epoch, self, others())
                || secret != null && VerifierDraw.isTurn(secret, table, slot, epoch, self);
    }

    private synchronized byte @Nullable [] secret() {
        return turns;
    }

    @Override
    public void failed(FailureReport report) {
        FailureListener follows = listener;
        if (!report.signer().equals(verifiers.peerId()) || follows == null) {
            return;
        }
        LOG.debug(
                "a verifier says that slot {} of group {} fails",
                report.question().slot(),
                report.question().group());
        if (report.answer() != null) {
            follows.hear(report.question(), report.answer());
        } else {
            follows.hear(report.question().group(), report.question().slot());
        }
    }

    /** Tells others of an audit that failed. */
    void tell(AuditOutcome outcome) {
        topic.tell(FailureReport.sign(outcome, verifiers, network));
    }

    @Override
    public synchronized void close() {
        if (subscription != null) {
            subscription.close();
            subscription = null;
        }
    }
}
