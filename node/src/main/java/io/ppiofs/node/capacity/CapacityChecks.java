package io.ppiofs.node.capacity;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.overlay.audit.CapacityAsk;
import io.ppiofs.overlay.audit.CapacityClaim;
import io.ppiofs.overlay.audit.CapacityClient;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.lpoc.CapacityStatement;
import io.ppiofs.proofs.lpoc.CapacityTerms;
import io.ppiofs.proofs.lpoc.CapacityVerifier;
import io.ppiofs.proofs.lpoc.LedgerChanges;
import io.ppiofs.proofs.lpoc.SpaceChallenge;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Challenges the idle space of peers. Of each it keeps the last claim, a file named by the peer, against which the next one is held.
 * Blocks its callers; thread-safe.
 */
public final class CapacityChecks {
    /** How a challenge ends. */
    public enum Result {
        /** All leaves were there in time, and every check that was made held. */
        PASS,
        /** A wrong proof, or the peer contradicts itself. */
        FAIL,
        /** No answer, a late one, or one that says nothing. */
        SUSPECT
    }

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /** Beyond the deadline, so that a late answer is seen to be right. */
    private static final Duration LATE = Duration.ofSeconds(20);
    /** For each label, on a slow and busy machine; trees and other work included. */
    private static final Duration PER_LABEL = Duration.ofNanos(12_000);

    /** The least of so many round trips counts: who wants it to look long has to delay each answer. */
    private static final int PINGS = 4;

    private static final Duration LABELS_LEAST = Duration.ofSeconds(60);

    private final Path directory;
    private final NetworkId network;
    private final CapacityClient client;
    private final Function<String, CompletableFuture<Duration>> ping;
    private final LongSupplier nanoTime;
    private final SecureRandom random = new SecureRandom();

    /**
     * @param directory of the claims, made when there is one
     * @param ping a peer's round trip
     */
    public CapacityChecks(
            Path directory,
            NetworkId network,
            CapacityClient client,
            Function<String, CompletableFuture<Duration>> ping,
            LongSupplier nanoTime) {
        this.directory = directory;
        this.network = network;
        this.client = client;
        this.ping = ping;
        this.nanoTime = nanoTime;
    }

    /** What has been found out so far. */
    private static final class Finding {
        private final Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        private Result result = Result.PASS;
        private String reason = "";

        /** A worse result replaces a better one. */
        void found(Result now, String why) {
            boolean worse =
                    now == Result.FAIL && result != Result.FAIL || now == Result.SUSPECT && result == Result.PASS;
            if (worse) {
                result = now;
                reason = why;
            }
        }
    }

    /**
     * Asks a peer what idle space it has, how that came from what it said last, and to prove it.
     *
     * @param leaves to be opened, 1 to {@link SpaceChallenge#MAX_LEAVES}
     * @param labels whether a unit shall be labelled once more, too, which may take minutes
     * @param timed whether only units count that show something about time: of a graph that is none for tests, and so large that nobody labels them within the
     *     deadline
     * @return facts
     * @throws PpiofsException NOT_CONNECTED if the peer is not to be reached; NOT_FOUND if it has no idle space; NOT_SUPPORTED
     */
    public Map<String, @Nullable Object> challenge(
            PeerId peer, int leaves, boolean labels, boolean timed, Progress progress) {
        Duration roundTrip = leastOf(ping, peer.toString());
        CapacityClaim known = known(peer);
        CapacityStatement before = known == null ? null : CapacityStatement.fromBytes(known.statement());
        progress.report("asking what there is", 0, 3);
        CapacityClient.Said said;
        try {
            said = await(client.statement(peer, before == null ? 0 : before.sequence(), PATIENCE));
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.NOT_FOUND || before == null) {
                throw e;
            }
            return nothing(peer, before);
        }
        CapacityStatement now = CapacityStatement.fromBytes(said.claim().statement());
        Finding finding = new Finding();
        describe(finding, peer, now);
        if (isOf(peer, now)) {
            history(finding, before, now, said.changes());
            progress.report("opening leaves", 1, 3);
            boolean inTime = space(finding, peer, now, leaves, roundTrip);
            if (timed && (!inTime || now.terms().parameters().equals(SealParameters.TEST))) {
                finding.found(
                        Result.SUSPECT,
                        "units of " + now.terms().unitBytes() + " bytes with the parameters "
                                + now.terms().parameters().name()
                                + " can be made within the deadline: they show nothing about time");
            }
            finding.facts.put("labels", "not asked");
            if (labels && now.root().count() > 0) {
                progress.report("waiting for a unit to be labelled", 2, 3);
                labels(finding, peer, now);
            }
            if (finding.result != Result.FAIL) {
                keep(peer, said.claim());
            }
        } else {
            finding.found(Result.FAIL, "the statement is of another peer or graph");
        }
        finding.facts.put("result", finding.result.name());
        finding.facts.put("reason", finding.reason);
        return finding.facts;
    }

    /** Of several pings the shortest round trip. */
    static Duration leastOf(Function<String, CompletableFuture<Duration>> ping, String peer) {
        Duration least = await(ping.apply(peer));
        for (int i = 1; i < PINGS; i++) {
            Duration next = await(ping.apply(peer));
            least = next.compareTo(least) < 0 ? next : least;
        }
        return least;
    }

    /** A peer that had units says that it has no idle space: it shows no history, as who releases all does not. */
    private static Map<String, @Nullable Object> nothing(PeerId peer, CapacityStatement before) {
        Finding finding = new Finding();
        finding.facts.put("peer", peer.toString());
        finding.facts.put("units", 0L);
        finding.facts.put("history", "unknown");
        finding.found(
                Result.SUSPECT,
                "it had " + before.root().count() + " units under sequence " + before.sequence()
                        + " and says that it has none now");
        finding.facts.put("result", finding.result.name());
        finding.facts.put("reason", finding.reason);
        return finding.facts;
    }

    private static void describe(Finding finding, PeerId peer, CapacityStatement now) {
        finding.facts.put("peer", peer.toString());
        finding.facts.put("units", now.root().count());
        finding.facts.put("unitBytes", now.terms().unitBytes());
        finding.facts.put("bytes", now.bytes());
        finding.facts.put("parameters", now.terms().parameters().name());
        finding.facts.put("sequence", now.sequence());
    }

    private static boolean isOf(PeerId peer, CapacityStatement statement) {
        CapacityTerms terms = statement.terms();
        return Arrays.equals(terms.peer(), peer.toBytes())
                && Arrays.equals(terms.porepId(), CapacityTerms.porepId(SectorOperations.porepId()));
    }

    /** How this statement came from the one that was known. */
    private static void history(
            Finding finding, @Nullable CapacityStatement before, CapacityStatement now, byte[] changes) {
        List<Object> come = new ArrayList<>();
        List<Object> gone = new ArrayList<>();
        String history;
        if (before == null) {
            history = "first";
        } else if (now.sequence() < before.sequence()
                || now.sequence() == before.sequence() && !now.root().equals(before.root())) {
            history = "contradiction";
            finding.found(Result.FAIL, "it said something else under sequence " + before.sequence() + " or goes back");
        } else if (!now.terms().equals(before.terms())
                || now.sequence() - before.sequence() > LedgerChanges.MAX_STEPS) {
            history = "unknown"; // nobody can be asked for more
        } else {
            Verdict verdict = new CapacityVerifier().changes(before, now, changes);
            history = verdict.accepted() ? "shown" : "not shown";
            if (!verdict.accepted()) {
                finding.found(
                        changes.length == 0 ? Result.SUSPECT : Result.FAIL,
                        "it does not show what changed since sequence " + before.sequence() + ": " + verdict.reason());
            } else {
                for (LedgerChanges.Step step : LedgerChanges.fromBytes(changes).steps()) {
                    (step.change().come() ? come : gone).add(step.change().number());
                }
            }
        }
        finding.facts.put("history", history);
        finding.facts.put("come", come);
        finding.facts.put("gone", gone);
    }

    private byte[] seed() {
        byte[] seed = new byte[SpaceChallenge.SEED_BYTES];
        random.nextBytes(seed);
        return seed;
    }

    /** @return whether the deadline was short enough to show something about time */
    private boolean space(Finding finding, PeerId peer, CapacityStatement now, int leaves, Duration roundTrip) {
        byte[] seed = seed();
        Duration deadline = SpaceChallenge.deadline(leaves, roundTrip);
        long began = nanoTime.getAsLong();
        byte[] proof = null;
        try {
            proof = await(client.prove(peer, CapacityAsk.space(now.digest(), seed, leaves), deadline.plus(LATE)));
        } catch (PpiofsException e) {
            finding.found(refusal(e), String.valueOf(e.getMessage()));
        }
        Duration took = Duration.ofNanos(nanoTime.getAsLong() - began);
        if (proof != null) {
            Verdict verdict = new CapacityVerifier().space(now, seed, leaves, proof);
            if (!verdict.accepted()) {
                finding.found(Result.FAIL, verdict.reason());
            } else if (took.compareTo(deadline) > 0) {
                finding.found(Result.SUSPECT, "the answer is right and came too late");
            }
        }
        finding.facts.put("leaves", (long) leaves);
        finding.facts.put("proofBytes", proof == null ? 0 : (long) proof.length);
        finding.facts.put("roundTripMillis", roundTrip.toMillis());
        finding.facts.put("millis", took.toMillis());
        finding.facts.put("deadlineMillis", deadline.toMillis());
        boolean timed = deadline.compareTo(now.terms().leastRegeneration()) < 0;
        finding.facts.put("timed", timed);
        return timed;
    }

    /** Of what a peer says itself, only a loss is a failure. */
    private static Result refusal(PpiofsException e) {
        return e.kind() == ErrorKind.CORRUPT ? Result.FAIL : Result.SUSPECT;
    }

    private void labels(Finding finding, PeerId peer, CapacityStatement now) {
        byte[] seed = seed();
        CapacityTerms terms = now.terms();
        Duration patience = LABELS_LEAST.plus(
                PER_LABEL.multipliedBy((long) terms.nodes() * terms.parameters().layers()));
        String labels;
        try {
            byte[] proof = await(client.prove(peer, CapacityAsk.labels(now.digest(), seed), patience));
            Verdict verdict = new CapacityVerifier().labels(now, seed, proof);
            labels = verdict.accepted() ? "right" : "wrong";
            if (!verdict.accepted()) {
                finding.found(Result.FAIL, verdict.reason());
            }
        } catch (PpiofsException e) {
            labels = e.kind().name().toLowerCase(Locale.ROOT);
            finding.found(refusal(e), String.valueOf(e.getMessage()));
        }
        finding.facts.put("labels", labels);
    }

    // ----------------------------------------------------------------------------------------------------- claims

    private @Nullable CapacityClaim known(PeerId peer) {
        byte[] envelope = DurableFile.read(file(peer), CapacityClaim.MAX_ENVELOPE, "read claim of capacity");
        if (envelope == null) {
            return null;
        }
        CapacityClaim claim = CapacityClaim.open(envelope, network);
        return claim.peer().equals(peer) ? claim : null;
    }

    private void keep(PeerId peer, CapacityClaim claim) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw DurableFile.failure("keep claim of capacity", directory, e);
        }
        DurableFile.replace(file(peer), claim.envelope(), "keep claim of capacity");
    }

    private Path file(PeerId peer) {
        return directory.resolve(network + "-" + peer);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof PpiofsException p) {
                throw p;
            }
            throw e;
        }
    }
}
