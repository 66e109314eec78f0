package io.ppiofs.overlay.blocks;

import com.google.protobuf.ByteString;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Put;
import io.ppiofs.overlay.wire.BlocksWire.Verdicts;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Gives blocks to a peer. What is to be sent is under the session's lock. */
final class PutCall extends Call {
    private static final Verdict.Outcome[] OUTCOMES = Verdict.Outcome.values();

    final CompletableFuture<List<Verdict>> result = new CompletableFuture<>();
    private final PeerId tenant;
    private final SlotAddress slot;
    private final List<StoredBlock> blocks;
    private volatile List<Verdict> verdicts = List.of();
    private boolean admitted;

    /** Indices of blocks that are to be sent. */
    final ArrayDeque<Integer> toSend = new ArrayDeque<>();

    /** Bytes of the first of them that were sent; -1: it has not begun. */
    int sent = -1;

    PutCall(PeerId tenant, SlotAddress slot, List<StoredBlock> blocks, Priority priority) {
        super(priority);
        this.tenant = tenant;
        this.slot = slot;
        this.blocks = blocks;
    }

    @Override
    Frame message() {
        Put.Builder put = Put.newBuilder()
                .setRequest(request)
                .setPriority(priority.ordinal())
                .setTenant(ByteString.copyFrom(tenant.toBytes()))
                .setGroup(ByteString.copyFrom(slot.group().bytes()))
                .setSlot(slot.slot())
                .setGeneration(slot.generation())
                .setDigests(Wire.digests(blocks.stream().map(StoredBlock::cid).toList()));
        blocks.forEach(block -> put.addLengths(block.bytes().remaining()));
        return Frame.newBuilder().setPut(put).build();
    }

    @Override
    String operation() {
        return "put blocks to";
    }

    @Override
    int patience() {
        return PATIENCE; // the peer's disk may be slow
    }

    ByteBuffer bytes(int index) {
        return blocks.get(index).bytes();
    }

    @Override
    void onFrame(Frame frame) {
        progress += BlockLimits.MIN_PROGRESS;
        ClientSession owner = owner();
        if (frame.hasAdmission() && owner != null && !admitted) {
            admitted = true;
            BitSet wanted = Wire.bits(frame.getAdmission().getBits(), blocks.size());
            owner.send(this, wanted.stream().boxed().toList());
        } else if (frame.hasVerdicts() && admitted) {
            verdicts = read(frame.getVerdicts());
            end(null);
        } else {
            throw FrameDecoder.refused("another answer than was asked for");
        }
    }

    private List<Verdict> read(Verdicts message) {
        ByteString outcomes = message.getOutcomes();
        if (outcomes.size() != blocks.size()) {
            throw FrameDecoder.refused(outcomes.size() + " verdicts for " + blocks.size() + " blocks");
        }
        List<Verdict> read = new ArrayList<>(outcomes.size());
        int reason = 0;
        for (int i = 0; i < outcomes.size(); i++) {
            int outcome = outcomes.byteAt(i);
            if (outcome < 0 || outcome >= OUTCOMES.length) {
                throw FrameDecoder.refused("verdict " + outcome);
            }
            if (OUTCOMES[outcome] == Verdict.Outcome.STORED) {
                read.add(Verdict.STORED);
            } else {
                read.add(new Verdict(
                        OUTCOMES[outcome], reason < message.getReasonsCount() ? message.getReasons(reason++) : ""));
            }
        }
        return read;
    }

    @Override
    void finish(@Nullable Throwable failure) {
        if (failure == null) {
            result.complete(verdicts);
        } else {
            result.completeExceptionally(failure);
        }
    }
}
