package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.storage.PinnedHead;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings new heads to a machine that only reads, on a thread of its own: those that are announced at once, and every half
 * minute those that operators keep. A head becomes visible after its manifest has been learnt, and never goes back.
 */
final class Follower implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Follower.class);
    private static final Duration POLL = Duration.ofSeconds(30);
    private static final int MAX_WAITING = 16;

    /** Wakes the thread. */
    private static final HeadBundle NOTHING = new HeadBundle(new byte[0], null, new byte[0]);

    private final UnlockedVolume volume;
    private final NetworkId network;
    private final SwarmReader reader;
    private final Supplier<List<HeadBundle>> kept;
    private final Consumer<Head> show;
    private final LinkedBlockingQueue<HeadBundle> heard = new LinkedBlockingQueue<>(MAX_WAITING);
    private final Thread thread;
    private volatile boolean closing;

    /**
     * @param kept asks the operators
     * @param show makes a head visible; called on the follower's thread
     */
    Follower(
            UnlockedVolume volume,
            NetworkId network,
            SwarmReader reader,
            Supplier<List<HeadBundle>> kept,
            Consumer<Head> show) {
        this.volume = volume;
        this.network = network;
        this.reader = reader;
        this.kept = kept;
        this.show = show;
        this.thread = new Thread(this::run, "follow-" + volume.config().name());
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** A head was announced; does not wait. If too many wait, the next poll finds the newest. */
    void heard(PinnedHead.Signed pin) {
        try {
            if (!heard.offer(HeadBundle.decode(pin.pin().head()))) {
                LOG.debug(
                        "volume {}: heads come faster than they can be followed",
                        volume.config().name());
            }
        } catch (PpiofsException e) {
            LOG.debug("an announced head is none: {}", e.getMessage());
        }
    }

    private void run() {
        while (!closing) {
            try {
                HeadBundle next = heard.poll(POLL.toMillis(), TimeUnit.MILLISECONDS);
                if (closing) {
                    return;
                }
                if (next == null) {
                    kept.get().forEach(this::follow);
                } else {
                    follow(next);
                }
            } catch (InterruptedException e) {
                return;
            } catch (PpiofsException e) {
                LOG.warn("volume {}: {}", volume.config().name(), e.getMessage());
            }
        }
    }

    private void follow(HeadBundle bundle) {
        Head newer = adopt(volume, network, reader, bundle);
        if (newer != null) {
            show.accept(newer);
        }
    }

    /**
     * Makes a head that a peer has told the volume's, if it is newer and what its manifest says can be learnt.
     *
     * @return it, if its clock is later than that of the head before
     */
    static @Nullable Head adopt(UnlockedVolume volume, NetworkId network, SwarmReader reader, HeadBundle bundle) {
        try {
            Head before = volume.heads().read();
            Cid manifest = Head.verify(bundle.head(), "of a peer").manifestRoot();
            // an older one is not learnt either: its manifest would take the place of the newer one's
            if (manifest == null || !volume.heads().isNewer(bundle.head())) {
                return null;
            }
            // where its blocks are first: whoever sees the head must be able to read it
            reader.learnOnly(
                    manifest, network, List.of(), bytes -> volume.keys().openManifest(bytes));
            Head now = volume.heads().adopt(bundle.head());
            return now.state().clock() > before.state().clock() ? now : null;
        } catch (PpiofsException e) {
            LOG.info(
                    "volume {}: a head that was told cannot be followed: {}",
                    volume.config().name(),
                    e.getMessage());
            return null;
        }
    }

    @Override
    public void close() {
        // no interrupt: it would close the files that the thread reads
        closing = true;
        heard.clear();
        boolean woken = heard.offer(NOTHING);
        LOG.debug("following ends, woken {}", woken);
        try {
            thread.join(TimeUnit.SECONDS.toMillis(30));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
