package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditOutcome;
import io.ppiofs.node.audit.FailureReport;
import io.ppiofs.node.audit.TagIndex;
import io.ppiofs.node.audit.VerifierClaim;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.placement.GroupId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.provider.MethodSource;

/** What verifiers tell each other, and where tags are, comes from peers: it is read, whatever it says, or refused; never anything else. */
class AuditRecordsFuzzTest {
    private static final NetworkId NETWORK = NetworkId.LOCAL;
    private static final IdentityKey KEY = IdentityKey.ofSeed(new byte[32]);

    private static final AuditTopics.Listener READER = new AuditTopics.Listener() {
        @Override
        public void claimed(VerifierClaim claim) {
            assertThat(claim.key()).hasSize(48);
        }

        @Override
        public void failed(FailureReport report) {
            assertThat(report.question().units()).isPositive();
        }
    };

    private static Stream<byte[]> withDamage(byte[]... good) {
        return Arrays.stream(good).flatMap(one -> {
            byte[] damaged = one.clone();
            damaged[one.length / 2] ^= 1;
            return Stream.of(one, damaged, Arrays.copyOf(one, one.length / 2));
        });
    }

    static Stream<byte[]> records() {
        AuditAsk question = new AuditAsk(
                KEY.peerId(),
                GroupId.of(new byte[GroupId.LENGTH]),
                1,
                Cid.of(ByteBuffer.allocate(3)),
                1_700_000_000L,
                460,
                1,
                new byte[48],
                new byte[96],
                new byte[0]);
        AuditAnswer answer = AuditAnswer.sign(question, new byte[80], KEY, NETWORK);
        return withDamage(
                VerifierClaim.sign(KEY.peerId(), new byte[48], 1_700_000_000_000L, KEY, NETWORK),
                FailureReport.sign(outcome(question, answer), KEY, NETWORK),
                FailureReport.sign(outcome(question, null), KEY, NETWORK));
    }

    private static AuditOutcome outcome(AuditAsk question, @Nullable AuditAnswer answer) {
        return new AuditOutcome(
                AuditOutcome.Result.FAIL,
                KEY.peerId(),
                question,
                460,
                Duration.ZERO,
                Duration.ofSeconds(9),
                "wrong",
                answer,
                new byte[0]);
    }

    @MethodSource("records")
    @FuzzTest(maxDuration = "60s")
    void what_is_told_on_the_topic(byte[] bytes) {
        try {
            AuditTopics.read(bytes, NETWORK, READER);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
        }
    }

    static Stream<byte[]> indexes() {
        HexFormat hex = HexFormat.of();
        return Stream.concat(
                withDamage(TagBlocksTest.index(KEY, NETWORK).encode()),
                Stream.of(hex.parseHex("a10101"), hex.parseHex("a401010240038004" + "80"), new byte[0]));
    }

    @MethodSource("indexes")
    @FuzzTest(maxDuration = "60s")
    void an_index_of_tags(byte[] bytes) {
        try {
            TagIndex read = TagIndex.decode(bytes, NETWORK);
            assertThat(read.blocks()).isNotEmpty();
            assertThat(TagIndex.decode(read.encode(), NETWORK)).isEqualTo(read);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
        }
    }
}
