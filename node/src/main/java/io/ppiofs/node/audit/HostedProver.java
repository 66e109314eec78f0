package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.audit.AuditProver;
import io.ppiofs.overlay.blocks.BlockSource;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.proofs.audit.AuditChallenge;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.audit.SlotUnits;
import io.ppiofs.proofs.podr2.MacKey;
import io.ppiofs.proofs.podr2.PublicProver;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.podr2.UnitName;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;

/**
 * Proves that the challenged units of a hosted slot can be read. Needs no tags and no key. It rests as long as it has read, so
 * that it takes half of an idle disk at most.
 */
public final class HostedProver implements AuditProver {
    private static final String PROVE = "prove";

    /** Units between rests. */
    private static final int STRETCH = 16;

    /** All rests of a proof: the verifier waits, too. */
    private static final long LONGEST_REST = TimeUnit.MILLISECONDS.toNanos(500);

    private final NetworkId network;
    private final StorageHost storage;
    private final PeerId self;

    public HostedProver(NetworkId network, StorageHost storage) {
        this.network = network;
        this.storage = storage;
        this.self = storage.operator();
    }

    @Override
    public byte[] prove(AuditAsk question) {
        AuditChallenge challenge = genuine(question);
        SlotUnits units = AuditedGroup.units(inventory(question), question.slot());
        if (units.total() == 0) {
            throw refused(ErrorKind.NOT_FOUND, question, "the slot has no blocks");
        }
        UnitChallenge chosen = challenge.units(units.total());
        LongFunction<byte[]> reader = new Reader(question, units);
        return challenge.statement().form() == AuditForm.PUBLIC
                ? PublicProver.open(tagKey(question), chosen, reader)
                : MacKey.combine(chosen, reader);
    }

    private AuditChallenge genuine(AuditAsk question) {
        try {
            AuditChallenge challenge = SlotVerifier.challengeOf(question, network);
            if (challenge.isGenuine()) {
                return challenge;
            }
        } catch (IllegalArgumentException e) {
            throw refused(ErrorKind.NOT_SUPPORTED, question, String.valueOf(e.getMessage()));
        }
        throw refused(ErrorKind.INVALID, question, "its verifier did not sign the challenge");
    }

    private static TagPublicKey tagKey(AuditAsk question) {
        try {
            return TagPublicKey.fromBytes(question.tagKey());
        } catch (PpiofsException e) {
            throw refused(ErrorKind.INVALID, question, "its tag key is none");
        }
    }

    private Inventory inventory(AuditAsk question) {
        TableChain chain = storage.table(question.tenant(), question.group());
        SlotTable table = chain == null ? null : chain.newest();
        if (table == null
                || question.slot() >= table.holders().size()
                || !table.holders().get(question.slot()).equals(self)) {
            throw refused(ErrorKind.NOT_FOUND, question, "the slot is not here");
        }
        if (!question.inventory().equals(table.inventory())) {
            throw refused(ErrorKind.EXISTS, question, "the group has another inventory here");
        }
        Inventory inventory = storage.inventory(table);
        if (inventory == null) {
            throw refused(ErrorKind.NOT_FOUND, question, "the group's inventory is not here");
        }
        return inventory;
    }

    private static PpiofsException refused(ErrorKind kind, AuditAsk question, String detail) {
        return new PpiofsException(kind, PROVE, question.group() + "/" + question.slot(), detail);
    }

    /** Reads units, in no hurry. */
    private final class Reader implements LongFunction<byte[]> {
        private final AuditAsk question;
        private final SlotUnits units;
        private int read;
        private long began = System.nanoTime();
        private long rested;

        Reader(AuditAsk question, SlotUnits units) {
            this.question = question;
            this.units = units;
        }

        @Override
        public byte[] apply(long unit) {
            if (++read % STRETCH == 0) {
                rest();
            }
            SlotUnits.Block block = units.blocks().get(units.blockOf(unit));
            Cid cid = Cid.fromBytes(block.cid());
            int at = units.within(unit) * UnitName.UNIT_BYTES;
            byte[] bytes = new byte[UnitName.UNIT_BYTES];
            try (BlockSource source = storage.open(self, cid)) {
                if (source != null && source.length() == block.length()) {
                    source.read(at, ByteBuffer.wrap(bytes, 0, Math.min(bytes.length, block.length() - at)));
                    return bytes;
                }
            } catch (PpiofsException e) {
                throw refused(ErrorKind.CORRUPT, question, "block " + cid + " cannot be read: " + e.detail());
            }
            throw refused(ErrorKind.CORRUPT, question, "block " + cid + " is not here");
        }

        private void rest() {
            long took = Math.min(System.nanoTime() - began, LONGEST_REST - rested);
            if (took > 0) {
                try {
                    TimeUnit.NANOSECONDS.sleep(took);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw refused(ErrorKind.INTERRUPTED, question, "the node is ending");
                }
                rested += took;
            }
            began = System.nanoTime();
        }
    }
}
