package io.ppiofs.node.deals;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.pod.PodLink;
import io.ppiofs.overlay.pod.PodMessage;
import io.ppiofs.proofs.pod.PodCiphertext;
import io.ppiofs.proofs.pod.PodCommitment;
import io.ppiofs.proofs.pod.PodLayout;
import io.ppiofs.proofs.pod.PodNote;
import io.ppiofs.proofs.pod.PodOpening;
import io.ppiofs.proofs.pod.PodOrder;
import io.ppiofs.proofs.pod.PodProof;
import io.ppiofs.proofs.pod.PodUserDeal;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The user: buys blocks and writes them to files. Leaves go to a file first, so memory is bounded. One call for one purchase; blocks. */
final class Buyer {
    private static final int KEY_ATTEMPTS = 3;

    private final DealContext context;

    /**
     * What to buy.
     *
     * @param directory where each block becomes a file with its CID as the name
     * @param proof where the proof goes; null: beside the blocks
     */
    record Purchase(
            List<Cid> cids,
            PeerId provider,
            PeerId verifier,
            int challenges,
            Path directory,
            @Nullable Path proof) {}

    /**
     * What came of it.
     *
     * @param files of the blocks that are what was ordered, in order
     * @param proof the file with the proof
     */
    record Bought(PodProof.Finding finding, List<Path> files, Path proof) {}

    Buyer(DealContext context) {
        this.context = context;
    }

    /**
     * Buys.
     *
     * @param cancelled asked now and then
     * @throws PpiofsException what the provider or the verifier refused with; CORRUPT if the provider did not send what it had committed to;
     *     NOT_CONNECTED; IO; INTERRUPTED if cancelled
     */
    Bought buy(Purchase purchase, Progress progress, BooleanSupplier cancelled) {
        PodOrder order = PodOrder.sign(
                context.network,
                context.self,
                purchase.provider().toBytes(),
                purchase.verifier().toBytes(),
                context.random(PodOrder.NONCE),
                context.now(),
                purchase.challenges(),
                purchase.cids().stream().map(Cid::digest).toList());
        String name = HexFormat.of().formatHex(order.deal());
        Path part = purchase.directory().resolve("." + name + ".part");
        try (Workers workers = new Workers(1)) {
            Files.createDirectories(purchase.directory());
            try (FileChannel leaves = FileChannel.open(
                    part, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                PodUserDeal deal = new PodUserDeal(context.network, context.self, context.times, order, context.now());
                PodLayout layout = receive(deal, purchase.provider(), leaves, progress, cancelled);
                byte[] receipt = deal.received(
                        PodCiphertext.of(layout, (first, count, out) -> read(leaves, first, count, out), workers),
                        context.now());
                PodLink link = key(deal, purchase.verifier(), receipt);
                try (Verifier verifier = new Verifier(purchase.verifier(), receipt, link)) {
                    return settle(deal, layout, verifier, purchase, name);
                }
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "fetch", purchase.directory().toString(), String.valueOf(e.getMessage()), e);
        }
    }

    private static void read(FileChannel leaves, long first, int count, byte[] out) throws IOException {
        ByteBuffer into = ByteBuffer.wrap(out, 0, count * PodLayout.LEAF);
        long at = first * PodLayout.LEAF;
        while (into.hasRemaining()) {
            int n = leaves.read(into, at + into.position());
            if (n < 0) {
                throw new IOException("the leaves are cut off");
            }
        }
    }

    private PodLayout receive(
            PodUserDeal deal, PeerId provider, FileChannel leaves, Progress progress, BooleanSupplier cancelled)
            throws IOException {
        try (PodLink link = context.open(provider)) {
            link.send(PodMessage.ORDER, deal.order().encoded(), DealContext.PROMPT);
            CborMap committed = CborDecoder.decodeMap(link.receive(PodMessage.COMMITTED, context.times.order()));
            committed.requireFields(2);
            PodLayout layout = deal.committed(
                    committed.bytes(1, 1, PodCommitment.MAX_BYTES),
                    committed.bytes(2, 1, PodNote.MAX_BYTES),
                    context.now());
            long total = (long) layout.leaves() * PodLayout.LEAF;
            long got = 0;
            while (got < total) {
                if (cancelled.getAsBoolean()) {
                    throw new PpiofsException(ErrorKind.INTERRUPTED, "fetch", "blocks", "it was given up");
                }
                Duration left = Duration.ofMillis(Math.max(1, deal.untilMillis() - context.now()));
                byte[] piece = link.receive(PodMessage.LEAVES, left);
                if (piece.length == 0 || piece.length > total - got) {
                    throw new MalformedException("it sent other leaves than it committed to");
                }
                ByteBuffer from = ByteBuffer.wrap(piece);
                while (from.hasRemaining()) {
                    got += leaves.write(from, got);
                }
                progress.report("receiving", got, total);
            }
            return layout;
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "deal with", provider.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    /** Signs for everything and gets the key; again, if the connection was lost. @return the conversation, which goes on */
    private PodLink key(PodUserDeal deal, PeerId verifier, byte[] receipt) throws IOException {
        PpiofsException last = null;
        for (int attempt = 0; attempt < KEY_ATTEMPTS; attempt++) {
            PodLink link = null;
            try {
                link = context.open(verifier);
                link.send(PodMessage.RECEIPT, receipt, DealContext.PROMPT);
                PodLink.Received said = link.receive(DealContext.PROMPT);
                if (said.type() == PodMessage.CHALLENGE) {
                    for (int leaf : deal.challenged(said.body(), context.now())) {
                        link.send(PodMessage.OPENING, deal.opening(leaf).encode(), DealContext.PROMPT);
                    }
                    said = link.receive(DealContext.PROMPT);
                }
                if (said.type() != PodMessage.RELEASE) {
                    throw new PpiofsException(
                            ErrorKind.CORRUPT, "deal with", verifier.toString(), "it sent " + said.type());
                }
                deal.released(said.body(), context.now());
                return link;
            } catch (PpiofsException e) {
                if (link != null) {
                    link.reset();
                }
                if (e.kind() != ErrorKind.NOT_CONNECTED) {
                    throw e;
                }
                last = e;
            }
        }
        throw last == null ? new IllegalStateException("no attempt") : last;
    }

    /** Decrypts, accepts or complains, and keeps the proof. */
    private Bought settle(PodUserDeal deal, PodLayout layout, Verifier verifier, Purchase purchase, String name)
            throws IOException {
        List<Path> files = new ArrayList<>();
        PodOpening complaint = null;
        for (int block = 0; block < layout.blocks(); block++) {
            Path file = purchase.directory().resolve(purchase.cids().get(block).toString());
            if (decrypt(deal, block, file)) {
                files.add(file);
            } else if (complaint == null) {
                complaint = deal.complaint(block);
            }
        }
        byte[] proof = complaint == null
                ? verifier.hears(deal, PodMessage.ACCEPTANCE, deal.acceptance(context.now()))
                : verifier.hears(deal, PodMessage.COMPLAINT, complaint.encode());
        PodProof.Finding finding = deal.ended(proof);
        Path chosen = purchase.proof();
        Path out = chosen == null ? purchase.directory().resolve(name + ".pod") : chosen;
        DurableFile.replace(out, proof, "keep proof");
        return new Bought(finding, files, out);
    }

    /** The verifier of a deal that has released the key, over one conversation or, when that is lost, another. */
    private final class Verifier implements AutoCloseable {
        private final PeerId peer;
        private final byte[] receipt;
        private PodLink link;

        Verifier(PeerId peer, byte[] receipt, PodLink link) {
            this.peer = peer;
            this.receipt = receipt;
            this.link = link;
        }

        /** Says the last word. @return the proof */
        byte[] hears(PodUserDeal deal, PodMessage type, byte[] body) {
            try {
                return hears(type, body);
            } catch (PpiofsException e) {
                if (e.kind() != ErrorKind.NOT_CONNECTED) {
                    throw e;
                }
                byte[] known = ended(deal);
                if (known != null) {
                    return known;
                }
                link = context.open(peer);
                link.send(PodMessage.RECEIPT, receipt, DealContext.PROMPT);
                var unused = link.receive(PodMessage.RELEASE, DealContext.PROMPT);
                return hears(type, body);
            }
        }

        private byte[] hears(PodMessage type, byte[] body) {
            try (PodLink now = link) {
                now.send(type, body, DealContext.PROMPT);
                return now.receive(PodMessage.PROOF, DealContext.PROMPT);
            }
        }

        @Override
        public void close() {
            link.close();
        }

        /** How the deal ended; null if it has not. */
        private byte @Nullable [] ended(PodUserDeal deal) {
            try (PodLink asking = context.open(peer)) {
                asking.send(PodMessage.ASK_PROOF, deal.order().deal(), DealContext.PROMPT);
                return asking.receive(PodMessage.PROOF, DealContext.PROMPT);
            } catch (PpiofsException e) {
                if (e.kind() == ErrorKind.BUSY) {
                    return null;
                }
                throw e;
            }
        }
    }

    private static boolean decrypt(PodUserDeal deal, int block, Path file) throws IOException {
        Path part = file.resolveSibling("." + file.getFileName() + ".part");
        boolean right = false;
        try (FileChannel out = FileChannel.open(
                part, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            right = deal.decrypt(block, (bytes, at, length) -> {
                ByteBuffer from = ByteBuffer.wrap(bytes, at, length);
                while (from.hasRemaining()) {
                    out.write(from);
                }
            });
            out.force(false);
        }
        if (right) {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } else {
            Files.delete(part);
        }
        return right;
    }
}
