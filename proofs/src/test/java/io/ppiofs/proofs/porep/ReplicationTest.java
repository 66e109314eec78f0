package io.ppiofs.proofs.porep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaId;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicationTest {
    private static final int NODES = 1 << 12;

    @TempDir
    Path directory;

    private SampleReplica sample;

    @BeforeEach
    void open() {
        sample = new SampleReplica(directory, NODES, SealParameters.TEST);
    }

    @AfterEach
    void close() {
        sample.close();
    }

    private static byte[] seed(long value) {
        byte[] seed = new byte[32];
        new SplittableRandom(value).nextBytes(seed);
        return seed;
    }

    @Test
    void an_honest_prover_passes_a_hundred_challenges_and_the_form_without_a_verifier() {
        ReplicaFiles files = sample.filled("a", sample.payload(1));
        SealedReplica sealed = sample.sealer().seal(files, SampleReplica.identity("peer", 1, 0), SealListener.NONE);
        ReplicationVerifier verifier = new ReplicationVerifier(sealed.statement());

        try (ReplicationProver prover = new ReplicationProver(files, sealed)) {
            for (int i = 0; i < 100; i++) {
                byte[] proof = prover.prove(seed(i));
                assertThat(verifier.verify(seed(i), sealed.parameters(), proof).reason())
                        .isEmpty();
                assertThat(verifier.verify(seed(i + 1), sealed.parameters(), proof)
                                .accepted())
                        .as("an answer to another challenge")
                        .isFalse();
            }
            byte[] proof = prover.proveNonInteractive();
            assertThat(verifier.verifyNonInteractive(sealed.parameters(), proof).reason())
                    .isEmpty();
        }
    }

    @Test
    void the_same_data_for_other_peers_sectors_and_copies_has_no_block_in_common() throws IOException {
        byte[] payload = sample.payload(2);
        Set<String> seen = new HashSet<>();
        List<ReplicaIdentity> identities = List.of(
                SampleReplica.identity("peer", 1, 0),
                SampleReplica.identity("peer", 1, 1),
                SampleReplica.identity("peer", 2, 0),
                SampleReplica.identity("other", 1, 0));
        for (int i = 0; i < identities.size(); i++) {
            ReplicaFiles files = sample.filled("copy-" + i, payload);
            sample.sealer().seal(files, identities.get(i), SealListener.NONE);
            byte[] replica = Files.readAllBytes(files.replica());
            for (int at = 0; at < replica.length; at += 32) {
                assertThat(seen.add(new BigInteger(1, Arrays.copyOfRange(replica, at, at + 32)).toString(36)))
                        .isTrue();
            }
        }
    }

    @Test
    void unsealing_gives_the_payload_bit_for_bit() throws IOException {
        byte[] payload = sample.payload(3);
        ReplicaFiles files = sample.filled("a", payload);
        ReplicaStatement sealed = sample.sealer()
                .seal(files, SampleReplica.identity("peer", 1, 0), SealListener.NONE)
                .statement();
        Files.delete(files.unsealed());
        sample.sealer().deleteLayers(files);

        sample.sealer().unseal(files, sealed.replicaId(), sealed.commD(), SealListener.NONE);

        assertThat(Files.readAllBytes(files.unsealed())).isEqualTo(payload);
        assertThat(files.layer(1)).doesNotExist();
    }

    @Test
    void unsealing_a_damaged_replica_fails_and_gives_nothing() throws IOException {
        ReplicaFiles files = sample.filled("a", sample.payload(4));
        ReplicaStatement sealed = sample.sealer()
                .seal(files, SampleReplica.identity("peer", 1, 0), SealListener.NONE)
                .statement();
        Files.delete(files.unsealed());
        byte[] replica = Files.readAllBytes(files.replica());
        replica[12345] ^= 1;
        Files.write(files.replica(), replica);

        assertThatThrownBy(() -> sample.sealer().unseal(files, sealed.replicaId(), sealed.commD(), SealListener.NONE))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
        assertThat(files.unsealed()).doesNotExist();
    }

    @Test
    void a_sealing_that_lost_any_of_its_later_files_goes_on_and_ends_the_same() throws IOException {
        byte[] payload = sample.payload(5);
        ReplicaFiles whole = sample.filled("whole", payload);
        ReplicaIdentity identity = SampleReplica.identity("peer", 1, 0);
        SealedReplica expected = sample.sealer().seal(whole, identity, SealListener.NONE);
        List<Path> inOrder = List.of(
                whole.dataTree(),
                whole.layer(1),
                whole.layer(2),
                whole.columnTree(),
                whole.replica(),
                whole.replicaTree());
        for (int kept = 0; kept <= inOrder.size(); kept++) {
            ReplicaFiles files = sample.filled("kept-" + kept, payload);
            for (Path file : inOrder.subList(0, kept)) {
                Files.copy(file, files.directory().resolve(file.getFileName()));
            }
            // what a killed process left of the next file
            Path torn = files.directory().resolve("layer-2.part");
            Files.write(torn, new byte[100]);

            SealedReplica sealed = sample.sealer().seal(files, identity, SealListener.NONE);

            assertThat(sealed.statement().commR())
                    .isEqualTo(expected.statement().commR());
            assertThat(files.replica()).hasSameBinaryContentAs(whole.replica());
        }
    }

    @Test
    void progress_grows_to_one_and_the_rest_to_nothing() {
        List<Double> fractions = new ArrayList<>();
        List<Duration> rest = new ArrayList<>();
        ReplicaFiles files = sample.filled("a", sample.payload(6));
        sample.sealer().seal(files, SampleReplica.identity("peer", 1, 0), (step, fraction, left) -> {
            fractions.add(fraction);
            rest.add(left);
        });
        assertThat(fractions).isSorted().last().isEqualTo(1.0);
        assertThat(rest).allMatch(left -> !left.isNegative()).last().isEqualTo(Duration.ZERO);
    }

    @Test
    void the_derivation_of_Filecoin_differs_from_ours_and_both_are_below_2_to_the_254() {
        byte[] part = seed(1);
        byte[] ours = ReplicaId.of(part, 7, 0, part, part, part);
        byte[] theirs = ReplicaId.filecoin(part, 7, part, part, part);
        assertThat(ours).isNotEqualTo(theirs);
        assertThat(ours[31] & 0xc0).isZero();
        assertThat(theirs[31] & 0xc0).isZero();
    }
}
