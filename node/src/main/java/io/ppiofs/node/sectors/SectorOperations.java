package io.ppiofs.node.sectors;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.post.SpaceTimeProver;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.sector.SectorRecord;
import io.ppiofs.proofs.sector.SectorState;
import io.ppiofs.proofs.sector.SectorStore;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The operations of the control protocol behind {@code ppiofs sectors} and {@code ppiofs prove}. Thread-safe. */
public final class SectorOperations {
    private static final HexFormat HEX = HexFormat.of();
    private static final int SEED = 32;

    private final Sectors sectors;
    private final Supplier<@Nullable StorageHost> hosted;
    private final SecureRandom random = new SecureRandom();

    /** @param hosted what this node hosts, while it lends */
    public SectorOperations(Sectors sectors, Supplier<@Nullable StorageHost> hosted) {
        this.sectors = sectors;
        this.hosted = hosted;
    }

    /** @throws PpiofsException NOT_SUPPORTED if the operation is none of sectors */
    public Map<String, @Nullable Object> handle(Request request, Progress progress) {
        return switch (request.operation()) {
            case "sectors.list" -> list();
            case "sectors.groups" -> groups();
            case "sectors.seal" -> seal(request, progress);
            case "sectors.unseal" -> describe(sectors.unseal(number(request), progress));
            case "sectors.inspect" -> describe(sectors.store().sector(number(request)));
            case "sectors.recover" -> describe(sectors.store().declareRecovery(number(request)));
            case "sectors.remove" -> remove(number(request));
            case "prove" -> prove(request);
            default ->
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "node", request.operation(), "is nothing this node can do");
        };
    }

    private static long number(Request request) {
        return number(request.text("sector"));
    }

    private static long number(String text) {
        if (!text.matches("[0-9]{1,18}")) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "use sector", text, "is no number; 'ppiofs sectors list' has them");
        }
        return Long.parseLong(text);
    }

    private Map<String, @Nullable Object> list() {
        List<Object> list = new ArrayList<>();
        if (sectors.exist()) {
            sectors.store().sectors().forEach(record -> list.add(describe(record)));
            sectors.store().damaged().forEach((number, why) -> list.add(describe(number, why)));
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("sectors", list);
        return facts;
    }

    private Map<String, @Nullable Object> groups() {
        List<Object> list = new ArrayList<>();
        StorageHost storage = hosted.get();
        if (storage != null) {
            for (StorageHost.Hosted one : storage.hosted()) {
                if (one.ending()) {
                    continue;
                }
                Map<String, @Nullable Object> facts = new LinkedHashMap<>();
                facts.put("group", one.group().toString());
                facts.put("slot", (long) one.slot());
                facts.put("tenant", one.tenant().toString());
                facts.put("generation", one.generation());
                facts.put("bytes", one.bytes());
                list.add(facts);
            }
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("groups", list);
        return facts;
    }

    private Map<String, @Nullable Object> describe(SectorRecord record) {
        SectorSource source = sectors.source(record.number());
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("sector", record.number());
        facts.put("state", record.state().name().toLowerCase(Locale.ROOT));
        facts.put("source", source == null ? null : source.text());
        facts.put("tenant", source == null || source.tenant().isEmpty() ? null : source.tenant());
        facts.put("generation", source == null ? 0 : source.generation());
        facts.put("sectorBytes", record.geometry().sectorBytes());
        facts.put("payloadBytes", record.payloadBytes());
        facts.put("parameters", record.parameters().name());
        facts.put("layers", (long) record.parameters().layers());
        facts.put("copy", (long) record.copy());
        facts.put("keepsUnsealed", record.keepsUnsealed());
        facts.put("peer", HEX.formatHex(sectors.options().peer()));
        facts.put("porepId", HEX.formatHex(sectors.options().porepId()));
        facts.put("ticket", hex(record.ticket()));
        boolean sealed = record.commitments() != null;
        ReplicaStatement statement = sealed ? sealed(record).statement() : null;
        facts.put("replicaId", statement == null ? null : hex(statement.replicaId()));
        facts.put("commD", statement == null ? null : hex(statement.commD()));
        facts.put("commR", statement == null ? null : hex(statement.commR()));
        return facts;
    }

    /** One that is damaged. */
    private static Map<String, @Nullable Object> describe(long number, String why) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("sector", number);
        facts.put("state", "damaged");
        facts.put("sectorBytes", 0L);
        facts.put("payloadBytes", 0L);
        facts.put("reason", why);
        return facts;
    }

    private static @Nullable String hex(byte @Nullable [] bytes) {
        return bytes == null ? null : HEX.formatHex(bytes);
    }

    private SealedReplica sealed(SectorRecord record) {
        return record.sealed(sectors.options().porepId());
    }

    private Map<String, @Nullable Object> seal(Request request, Progress progress) {
        String what = request.text("what");
        SealParameters parameters = SealParameters.named(request.text("parameters"));
        boolean keep = request.flag("keepUnsealed");
        List<SectorRecord> made;
        if (Files.isRegularFile(Path.of(request.text("path")))) {
            Long copy = request.numberOrNull("copy");
            if (copy != null && (copy < 0 || copy > Integer.MAX_VALUE)) {
                throw new PpiofsException(ErrorKind.INVALID, "seal", "copy " + copy, "is counted from 0");
            }
            made = List.of(sectors.fromFile(
                    Path.of(request.text("path")), parameters, copy == null ? 0 : copy.intValue(), keep));
        } else if (what.matches("[0-9]{1,18}")) {
            made = List.of(sectors.store().sector(number(what)));
        } else {
            StorageHost storage = hosted.get();
            if (storage == null) {
                throw new PpiofsException(
                        ErrorKind.NOT_FOUND,
                        "seal",
                        what,
                        "is no file, and this node hosts no groups; run it with 'ppiofs node --store SIZE'");
            }
            made = sectors.fromGroup(storage, what, parameters, keep);
        }
        List<Object> list = new ArrayList<>();
        for (SectorRecord record : made) {
            boolean waits = record.state() == SectorState.FULL || record.state() == SectorState.SEALING;
            list.add(describe(waits ? sectors.seal(record.number(), progress) : record));
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("sectors", list);
        return facts;
    }

    private Map<String, @Nullable Object> remove(long number) {
        sectors.store().remove(number);
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("removed", number);
        return facts;
    }

    // ------------------------------------------------------------------------------------------------------ proofs

    private Map<String, @Nullable Object> prove(Request request) {
        String given = request.textOrNull("seed");
        byte[] seed = given == null ? null : seed(given);
        String out = request.textOrNull("out");
        Path file = out == null ? null : Path.of(out);
        List<SectorRecord> chosen = new ArrayList<>();
        List<String> named = request.texts("sectors");
        if (named.isEmpty()) {
            for (SectorRecord record : sectors.store().sectors()) {
                if (proves(record)) {
                    chosen.add(record);
                }
            }
        }
        named.forEach(name -> chosen.add(sectors.store().sector(number(name))));
        if (chosen.isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "prove", "all sectors", "none is proving; name one that is sealed to begin");
        }
        if (chosen.stream().allMatch(record -> record.state() == SectorState.SEALED)) {
            if (chosen.size() > 1) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "prove", "replication", "is proven for one sector at a time; name one");
            }
            return replication(chosen.get(0), seed, file, request.flag("begin"));
        }
        return spaceTime(chosen, seed, file);
    }

    private static boolean proves(SectorRecord record) {
        return record.state() == SectorState.PROVING || record.state() == SectorState.RECOVERING;
    }

    private static byte[] seed(String hex) {
        if (!hex.matches("[0-9a-fA-F]{64}")) {
            throw new PpiofsException(ErrorKind.INVALID, "prove", "seed", "has 32 bytes, 64 hexadecimal digits");
        }
        return HEX.parseHex(hex);
    }

    private byte[] seed() {
        byte[] seed = new byte[SEED];
        random.nextBytes(seed);
        return seed;
    }

    /** @param begin whether the sector proves space-time from now on: what only this proof needs goes then */
    private Map<String, @Nullable Object> replication(
            SectorRecord record, byte @Nullable [] seed, @Nullable Path file, boolean begin) {
        SectorStore store = sectors.store();
        byte[] proof;
        byte[] own = seed();
        byte[] ownProof = new byte[0];
        try (ReplicationProver prover = store.prover(record.number())) {
            proof = seed == null ? prover.proveNonInteractive() : prover.prove(seed);
            if (begin) {
                ownProof = prover.prove(own);
            }
        }
        ReplicationVerifier verifier = new ReplicationVerifier(sealed(record).statement());
        Verdict verdict = seed == null
                ? verifier.verifyNonInteractive(record.parameters(), proof)
                : verifier.verify(seed, record.parameters(), proof);
        write(file, proof);
        SectorRecord after = begin && verdict.accepted() ? store.proven(record.number(), own, ownProof) : record;
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("proof", seed == null ? "replication, non-interactive" : "replication");
        facts.put("seed", hex(seed));
        facts.put("bytes", (long) proof.length);
        facts.put("accepted", verdict.accepted());
        facts.put("sectors", List.of(verdict(after, verdict)));
        return facts;
    }

    private Map<String, @Nullable Object> spaceTime(
            List<SectorRecord> chosen, byte @Nullable [] given, @Nullable Path file) {
        SectorStore store = sectors.store();
        byte[] seed = given == null ? seed() : given;
        SortedMap<Long, SpaceTimeProver.ProvingSector> provers = new TreeMap<>();
        Map<Long, ReplicaStatement> statements = new TreeMap<>();
        for (SectorRecord record : chosen) {
            if (!proves(record)) {
                throw new PpiofsException(
                        ErrorKind.INVALID,
                        "prove",
                        "sector " + record.number(),
                        "is " + record.state().name().toLowerCase(Locale.ROOT)
                                + "; only proving and recovering ones prove");
            }
            SealedReplica sealed = sealed(record);
            provers.put(record.number(), new SpaceTimeProver.ProvingSector(sealed, store.filesOf(record.number())));
            statements.put(record.number(), sealed.statement());
        }
        Map<Long, String> unreadable = new TreeMap<>();
        byte[] proof = new SpaceTimeProver((number, failure) -> unreadable.put(number, failure.getMessage()))
                .prove(provers, seed, SpaceTimeChallenges.WINDOW);
        Map<Long, Verdict> verdicts =
                new SpaceTimeVerifier().verify(statements, seed, SpaceTimeChallenges.WINDOW, proof);
        write(file, proof);
        boolean all = true;
        List<Object> list = new ArrayList<>();
        for (SectorRecord record : chosen) {
            long number = record.number();
            Verdict verdict = verdicts.getOrDefault(number, Verdict.reject("it was not checked"));
            if (unreadable.containsKey(number)) {
                verdict = Verdict.reject(unreadable.get(number));
            }
            all &= verdict.accepted();
            list.add(verdict(settled(store, record, verdict), verdict));
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("proof", "space-time");
        facts.put("seed", hex(seed));
        facts.put("bytes", (long) proof.length);
        facts.put("accepted", all);
        facts.put("sectors", list);
        return facts;
    }

    /** What a window means for its sector. */
    private static SectorRecord settled(SectorStore store, SectorRecord record, Verdict verdict) {
        if (!verdict.accepted()) {
            return store.declareFault(record.number());
        }
        return record.state() == SectorState.RECOVERING ? store.recovered(record.number()) : record;
    }

    private Map<String, @Nullable Object> verdict(SectorRecord record, Verdict verdict) {
        Map<String, @Nullable Object> facts = describe(record);
        facts.put("accepted", verdict.accepted());
        facts.put("reason", verdict.reason());
        return facts;
    }

    private static void write(@Nullable Path file, byte[] proof) {
        if (file != null) {
            DurableFile.replace(file, proof, "write proof");
        }
    }

    /** The graph's id, the same for all nodes: its parents are public, and must be nobody's choice. */
    public static byte[] porepId() {
        return new Sha256()
                .update("ppiofs porep graph v1".getBytes(StandardCharsets.US_ASCII))
                .digest();
    }
}
