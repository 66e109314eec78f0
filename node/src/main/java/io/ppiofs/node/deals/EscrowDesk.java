package io.ppiofs.node.deals;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.pod.PodLink;
import io.ppiofs.overlay.pod.PodMessage;
import io.ppiofs.proofs.pod.PodCommitment;
import io.ppiofs.proofs.pod.PodNote;
import io.ppiofs.proofs.pod.PodOpening;
import io.ppiofs.proofs.pod.PodOrder;
import io.ppiofs.proofs.pod.PodSample;
import io.ppiofs.proofs.pod.PodVerifierDeal;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The verifier: keeps the keys of deals of others, {@value #DEALS} at most and {@value #OF_A_PROVIDER} of one provider. An ended deal is
 * remembered until its place is needed, but at least twice as long as an order is good, so that none is begun twice. Thread-safe.
 */
final class EscrowDesk {
    private static final int DEALS = 256;
    private static final int OF_A_PROVIDER = 32;
    private static final int KEY = 32;

    private final DealContext context;
    private final Map<ByteBuffer, PodVerifierDeal> deals = new LinkedHashMap<>();

    EscrowDesk(DealContext context) {
        this.context = context;
    }

    // ------------------------------------------------------------------------------------------------ the provider

    /** A provider offers a deal: it gives the key and opens what is challenged. */
    void offer(PodLink link, byte[] body) {
        byte[] peer = link.peer().toBytes();
        PodVerifierDeal deal;
        try {
            CborMap fields = CborDecoder.decodeMap(body);
            fields.requireFields(3);
            deal = PodVerifierDeal.offer(
                    context.network,
                    context.self,
                    context.times,
                    peer,
                    fields.bytes(1, 1, PodOrder.MAX_BYTES),
                    fields.bytes(2, 1, PodCommitment.MAX_BYTES),
                    fields.bytes(3, KEY),
                    context.random(PodSample.SEED),
                    context.now());
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "offer", String.valueOf(e.getMessage()), e);
        }
        begin(deal);
        link.send(PodMessage.CHALLENGE, deal.challenge(), DealContext.PROMPT);
        boolean over = false;
        while (!over) {
            PodOpening opening = PodOpening.decode(link.receive(PodMessage.OPENING, context.times.answer()));
            synchronized (deal) {
                over = deal.opened(peer, opening, context.now());
            }
        }
        byte[] ended = proof(deal);
        if (ended != null) {
            link.send(PodMessage.PROOF, ended, DealContext.PROMPT);
        } else {
            link.send(PodMessage.ESCROW, deal.escrow(), DealContext.PROMPT);
        }
    }

    private synchronized void begin(PodVerifierDeal deal) {
        long now = context.now();
        int ofProvider = 0;
        long forgotten = now - 2 * context.times.order().toMillis();
        Iterator<PodVerifierDeal> all = deals.values().iterator();
        while (all.hasNext()) {
            PodVerifierDeal known = all.next();
            boolean over = proof(known) != null;
            if (over && deals.size() >= DEALS && known.untilMillis() < forgotten) {
                all.remove();
            } else if (!over
                    && Arrays.equals(known.order().provider(), deal.order().provider())) {
                ofProvider++;
            }
        }
        if (deals.size() >= DEALS || ofProvider >= OF_A_PROVIDER) {
            throw refused(ErrorKind.BUSY, "too many deals are under way");
        }
        if (deals.putIfAbsent(ByteBuffer.wrap(deal.order().deal()), deal) != null) {
            throw refused(ErrorKind.NOT_PERMITTED, "the deal was begun before");
        }
    }

    // ---------------------------------------------------------------------------------------------------- the user

    /** A user has everything: it opens what is challenged, gets the key, and accepts or complains. */
    void receipt(PodLink link, byte[] body) {
        byte[] peer = link.peer().toBytes();
        PodVerifierDeal deal =
                deal(PodNote.open(context.network, PodNote.Kind.RECEIPT, body).deal());
        byte[] seed;
        boolean released;
        synchronized (deal) {
            seed = deal.receipt(peer, body, context.random(PodSample.SEED), context.now());
            released = deal.state() == PodVerifierDeal.State.RELEASED;
        }
        if (!released) {
            link.send(PodMessage.CHALLENGE, seed, DealContext.PROMPT);
        }
        while (!released) {
            PodOpening opening = PodOpening.decode(link.receive(PodMessage.OPENING, context.times.answer()));
            synchronized (deal) {
                released = deal.held(peer, opening, context.now());
            }
        }
        link.send(PodMessage.RELEASE, deal.release(), DealContext.PROMPT);
        byte[] ended = null;
        while (ended == null) {
            Duration left = Duration.ofMillis(Math.max(1, deal.untilMillis() - context.now()));
            PodLink.Received said = link.receive(left);
            synchronized (deal) {
                said(deal, peer, said);
            }
            ended = proof(deal);
        }
        link.send(PodMessage.PROOF, ended, DealContext.PROMPT);
    }

    private void said(PodVerifierDeal deal, byte[] peer, PodLink.Received said) {
        if (said.type() == PodMessage.ACCEPTANCE) {
            deal.accepted(peer, said.body(), context.now());
        } else if (said.type() != PodMessage.COMPLAINT) {
            throw refused(ErrorKind.CORRUPT, "a message of another step");
        } else if (!deal.complaint(peer, PodOpening.decode(said.body()), context.now())) {
            throw refused(ErrorKind.INVALID, "the leaf that is shown is what was ordered");
        }
    }

    /** A party asks how a deal ended. */
    void ask(PodLink link, byte[] body) {
        PodVerifierDeal deal = deal(body);
        byte[] peer = link.peer().toBytes();
        if (!Arrays.equals(peer, deal.order().user())
                && !Arrays.equals(peer, deal.order().provider())) {
            throw refused(ErrorKind.NOT_FOUND, "there is no such deal");
        }
        byte[] ended = proof(deal);
        if (ended == null) {
            throw refused(ErrorKind.BUSY, "the deal is not over yet");
        }
        link.send(PodMessage.PROOF, ended, DealContext.PROMPT);
    }

    private synchronized PodVerifierDeal deal(byte[] name) {
        PodVerifierDeal deal = deals.get(ByteBuffer.wrap(name));
        if (deal == null) {
            throw refused(ErrorKind.NOT_FOUND, "there is no such deal");
        }
        return deal;
    }

    /** How it ended; null until then. */
    private byte @Nullable [] proof(PodVerifierDeal deal) {
        synchronized (deal) {
            deal.tick(context.now());
            return deal.proof();
        }
    }

    private static PpiofsException refused(ErrorKind kind, String detail) {
        return new PpiofsException(kind, "verify", "deal", detail);
    }
}
