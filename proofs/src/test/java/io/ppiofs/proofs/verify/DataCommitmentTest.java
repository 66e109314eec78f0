package io.ppiofs.proofs.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.proofs.fr32.Fr32;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.porep.SampleReplica;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataCommitmentTest {
    private static final int NODES = 256;
    private static final int PAYLOAD = (int) Fr32.unpaddedBytes(NODES * 32L);

    @TempDir
    Path directory;

    private static byte[] commD(int nodes, byte[] payload, int piece) {
        DataCommitment commitment = new DataCommitment(nodes);
        for (int at = 0; at < payload.length; at += piece) {
            commitment.append(ByteBuffer.wrap(payload, at, Math.min(piece, payload.length - at)));
        }
        return commitment.commD();
    }

    /** The whole tree, row by row. */
    private static byte[] model(byte[] payload) {
        byte[] row = new byte[NODES * 32];
        Fr32.pad(Arrays.copyOf(payload, PAYLOAD), 0, row, 0, NODES * 32 / Fr32.PADDED);
        Sha256 sha256 = new Sha256();
        for (int pairs = NODES / 2; pairs > 0; pairs /= 2) {
            for (int i = 0; i < pairs; i++) {
                NodeHash.TRUNCATED.pair(sha256, row, i * 64, row, i * 32);
            }
        }
        return Arrays.copyOf(row, 32);
    }

    @Test
    void every_length_in_pieces_of_any_size_gives_the_root_of_the_whole_tree() {
        SplittableRandom random = new SplittableRandom(1);
        byte[] all = new byte[PAYLOAD];
        random.nextBytes(all);
        for (int length = 0; length <= PAYLOAD; length += length < 600 ? 1 : 61) {
            byte[] payload = Arrays.copyOf(all, length);
            assertThat(commD(NODES, payload, random.nextInt(1, 1000)))
                    .as("%d bytes", length)
                    .isEqualTo(model(payload));
        }
        assertThat(commD(NODES, all, 127)).isEqualTo(model(all));
        assertThatThrownBy(() -> commD(NODES, new byte[PAYLOAD + 1], PAYLOAD + 1))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void it_is_what_a_sealed_sector_is_committed_to() {
        try (SampleReplica sample = new SampleReplica(directory, NODES, SealParameters.TEST)) {
            byte[] payload = sample.payload(3);
            byte[] sealed = sample.sealer()
                    .seal(sample.filled("a", payload), SampleReplica.identity("peer", 1, 0), SealListener.NONE)
                    .statement()
                    .commD();
            assertThat(commD(NODES, payload, 4096)).isEqualTo(sealed);
        }
    }

    @Test
    void the_smallest_sector_that_takes_a_payload() {
        assertThat(ReplicaGeometry.nodesFor(0)).hasValue(64);
        assertThat(ReplicaGeometry.nodesFor(2032)).hasValue(64);
        assertThat(ReplicaGeometry.nodesFor(2033)).hasValue(128);
        assertThat(ReplicaGeometry.nodesFor(8 << 20)).hasValue(1 << 19);
        assertThat(ReplicaGeometry.nodesFor(Fr32.unpaddedBytes(1L << 30))).hasValue(ReplicaGeometry.MAX_NODES);
        assertThat(ReplicaGeometry.nodesFor(1L << 30)).isEmpty();
    }
}
