package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.DataCommitment;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What sealed sectors of a closed group's slots must be committed to, made from the blocks themselves: a holder's commD is right if it is this one, and there is
 * nothing to sample. File: CBOR map {1: version 1, 2: digest of the inventory, 3: a commD (32) for each slot, empty for one without a sector}. Immutable.
 */
final class SlotCommitments {
    private static final int VERSION = 1;
    private static final int MAX_FILE = 16 << 10;

    private final List<byte[]> commDs;

    private SlotCommitments(List<byte[]> commDs) {
        this.commDs = commDs;
    }

    /** 32 bytes; null if the slot has nothing to seal, or more than a sector takes. */
    byte @Nullable [] commD(int slot) {
        byte[] commD = commDs.get(slot);
        return commD.length == 0 ? null : commD;
    }

    /** Nodes of the sector of a slot; empty if it has nothing to seal, or more than a sector takes. */
    static OptionalInt nodes(AuditedGroup group, int slot) {
        long bytes = group.units(slot).blocks().stream()
                .mapToLong(block -> block.length())
                .sum();
        return bytes == 0 ? OptionalInt.empty() : ReplicaGeometry.nodesFor(bytes);
    }

    /**
     * Reads the group once.
     *
     * @return null if a block is not there or damaged, or it was stopped
     */
    static @Nullable SlotCommitments make(AuditedGroup group, BlockStore blocks, BooleanSupplier stop) {
        boolean copies = group.table().scheme().isCopies();
        int slots = group.table().scheme().slots();
        List<@Nullable DataCommitment> each = new ArrayList<>();
        for (int slot = 0; slot < (copies ? 1 : slots); slot++) {
            OptionalInt nodes = nodes(group, slot);
            each.add(nodes.isPresent() ? new DataCommitment(nodes.getAsInt()) : null);
        }
        boolean whole = GroupBlocks.read(group, blocks, stop, (entry, bytes) -> {
            DataCommitment of = each.get(copies ? 0 : entry % slots);
            if (of != null) {
                of.append(bytes.duplicate());
            }
        });
        if (!whole) {
            return null;
        }
        List<byte[]> made = new ArrayList<>();
        each.forEach(of -> made.add(of == null ? new byte[0] : of.commD()));
        while (made.size() < slots) {
            made.add(made.get(0)); // copies
        }
        return new SlotCommitments(made);
    }

    void save(Path file, AuditedGroup group) {
        List<Cbor> list = new ArrayList<>();
        commDs.forEach(commD -> list.add(CborBytes.of(commD)));
        DurableFile.replace(
                file,
                CborEncoder.encode(CborMap.builder()
                        .put(1, new CborInt(VERSION))
                        .put(2, group.digest().digest())
                        .put(3, new CborArray(list))
                        .build()),
                "write commitments");
    }

    /** @return null if there is no file, or it is of another inventory, or damaged: then they are made anew */
    static @Nullable SlotCommitments load(Path file, AuditedGroup group) {
        byte[] bytes = DurableFile.read(file, MAX_FILE, "read commitments");
        if (bytes == null) {
            return null;
        }
        try {
            CborMap map = CborDecoder.decodeMap(bytes);
            map.requireFields(3);
            int slots = group.table().scheme().slots();
            List<Cbor> list = map.array(3, slots).items();
            if (map.uint(1, Integer.MAX_VALUE) != VERSION
                    || list.size() != slots
                    || !Arrays.equals(map.bytes(2, Sha256.BYTES), group.digest().digest())) {
                return null;
            }
            List<byte[]> commDs = new ArrayList<>();
            for (Cbor item : list) {
                if (!(item instanceof CborBytes commD) || (commD.length() != 0 && commD.length() != Sha256.BYTES)) {
                    return null;
                }
                commDs.add(commD.value());
            }
            return new SlotCommitments(commDs);
        } catch (MalformedException e) {
            return null;
        }
    }
}
