package io.ppiofs.proofs.pod;

import io.ppiofs.network.NetworkId;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.work.Workers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Three parties, a clock that is set by hand, and blocks. Signatures are hashes with a secret that nobody else uses. */
final class PodWorld implements AutoCloseable {
    static final PodTimes TIMES = PodTimes.USUAL;

    final SplittableRandom random;
    final PodNetwork network = new PodNetwork(NetworkId.of(new byte[NetworkId.LENGTH]), PodWorld::holds);
    final PodSigner user = signer("user");
    final PodSigner provider = signer("provider");
    final PodSigner verifier = signer("verifier");
    final Workers workers = new Workers(1);
    final List<byte[]> blocks = new ArrayList<>();
    long now = 1_700_000_000_000L;

    PodWorld(long seed, int... lengths) {
        random = new SplittableRandom(seed);
        for (int length : lengths) {
            blocks.add(bytes(length));
        }
    }

    byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static PodSigner signer(String name) {
        byte[] id = name.getBytes(StandardCharsets.US_ASCII);
        return new PodSigner() {
            @Override
            public byte[] id() {
                return id;
            }

            @Override
            public byte[] sign(byte[] message) {
                return signature(id, message);
            }
        };
    }

    private static byte[] signature(byte[] id, byte[] message) {
        return new Sha256().update((byte) 7).update(id).update(message).digest();
    }

    static boolean holds(byte[] id, byte[] message, byte[] signature) {
        return Arrays.equals(signature(id, message), signature);
    }

    List<byte[]> cids() {
        return blocks.stream().map(b -> new Sha256().update(b).digest()).toList();
    }

    PodOrder order(int challenges) {
        return PodOrder.sign(
                network, user, provider.id(), verifier.id(), bytes(PodOrder.NONCE), now, challenges, cids());
    }

    PodBlocks store() {
        return new PodBlocks() {
            @Override
            public int length(int block) {
                return blocks.get(block).length;
            }

            @Override
            public void read(int block, int offset, byte[] out, int at, int length) {
                System.arraycopy(blocks.get(block), offset, out, at, length);
            }
        };
    }

    PodProviderDeal sell(PodOrder order) {
        return PodProviderDeal.commit(network, provider, TIMES, order, store(), bytes(32), workers, () -> now);
    }

    PodVerifierDeal verify(PodOrder order, PodCommitment commitment, byte[] key) {
        return PodVerifierDeal.offer(
                network,
                verifier,
                TIMES,
                provider.id(),
                order.encoded(),
                commitment.encoded(),
                key,
                bytes(PodSample.SEED),
                now);
    }

    /** The leaves as the user stores them when it has got them from {@code source}. */
    PodCiphertext download(PodLayout layout, PodCiphertext source) throws IOException {
        byte[] stored = new byte[layout.leaves() * PodLayout.LEAF];
        source.read(0, layout.leaves(), stored);
        return stored(layout, stored);
    }

    PodCiphertext stored(PodLayout layout, byte[] leaves) {
        return PodCiphertext.of(
                layout,
                (first, count, out) ->
                        System.arraycopy(leaves, (int) first * PodLayout.LEAF, out, 0, count * PodLayout.LEAF),
                workers);
    }

    byte[] decrypted(PodUserDeal deal, int block, boolean expected) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (deal.decrypt(block, out::write) != expected) {
            throw new AssertionError("block " + block + (expected ? " is garbage" : " is no garbage"));
        }
        return out.toByteArray();
    }

    @Override
    public void close() {
        workers.close();
    }
}
