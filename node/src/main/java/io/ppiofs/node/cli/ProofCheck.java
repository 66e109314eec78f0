package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicaId;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A proof that somebody made, checked with nothing but its bytes and the sector's statement.
 *
 * @param kind which proof it was held to be
 * @param reason why it does not hold; empty if it does
 */
record ProofCheck(boolean accepted, String kind, String reason) {
    private static final long MAX_STATEMENT = 64 * 1024;

    /** A non-interactive proof of the largest sector has some 60 MiB. */
    private static final long MAX_PROOF = 256L << 20;

    /**
     * @param seed 64 hexadecimal digits; null for a non-interactive proof of replication
     * @throws PpiofsException INVALID, NOT_FOUND, IO if a file cannot be used
     */
    static ProofCheck of(Path statementFile, Path proofFile, @Nullable String seed) {
        Statement statement = statement(statementFile);
        byte[] proof = read(proofFile, MAX_PROOF);
        ReplicationVerifier replication = new ReplicationVerifier(statement.replica());
        if (seed == null) {
            return of("replication, non-interactive", replication.verifyNonInteractive(statement.parameters(), proof));
        }
        byte[] challenge = hex("--seed", seed);
        Verdict asReplication = replication.verify(challenge, statement.parameters(), proof);
        if (asReplication.accepted()) {
            return of("replication", asReplication);
        }
        Verdict asSpaceTime = new SpaceTimeVerifier()
                .verify(Map.of(statement.sector(), statement.replica()), challenge, SpaceTimeChallenges.WINDOW, proof)
                .get(statement.sector());
        return asSpaceTime != null && asSpaceTime.accepted()
                ? of("space-time", asSpaceTime)
                : of(
                        "replication or space-time",
                        Verdict.reject("as one of replication: " + asReplication.reason() + "; as one of space-time: "
                                + (asSpaceTime == null ? "nothing" : asSpaceTime.reason())));
    }

    private static ProofCheck of(String kind, Verdict verdict) {
        return new ProofCheck(verdict.accepted(), kind, verdict.reason());
    }

    int exitCode() {
        return accepted ? 0 : ErrorKind.CORRUPT.exitCode();
    }

    private record Statement(long sector, SealParameters parameters, ReplicaStatement replica) {}

    private static Statement statement(Path file) {
        Map<String, @Nullable Object> json = json(file);
        SealParameters parameters = SealParameters.named(Facts.text(json, "parameters"));
        long bytes = Facts.number(json, "sectorBytes");
        if (bytes % 32 != 0 || bytes < 0 || bytes / 32 > ReplicaGeometry.MAX_NODES) {
            throw invalid(file.toString(), "says that the sector has " + bytes + " bytes");
        }
        byte[] porepId = SectorOperations.porepId();
        if (!Arrays.equals(porepId, hex("porepId", Facts.text(json, "porepId")))) {
            throw invalid(file.toString(), "has another graph than ppiofs");
        }
        byte[] commD = hex("commD", Facts.text(json, "commD"));
        long sector = Facts.number(json, "sector");
        long copy = Facts.number(json, "copy");
        if (copy < 0 || copy > Integer.MAX_VALUE) {
            throw invalid(file.toString(), "has copy " + copy);
        }
        // what binds the replica to its peer, number and copy must follow from them, and not be anybody's word
        byte[] replicaId = ReplicaId.of(
                peer(Facts.text(json, "peer")),
                sector,
                (int) copy,
                hex("ticket", Facts.text(json, "ticket")),
                commD,
                porepId);
        if (!Arrays.equals(replicaId, hex("replicaId", Facts.text(json, "replicaId")))) {
            throw invalid(file.toString(), "has a replica id that is not that of its peer, sector, copy and ticket");
        }
        try {
            return new Statement(
                    sector,
                    parameters,
                    new ReplicaStatement(
                            new ReplicaGeometry((int) (bytes / 32), parameters.layers()),
                            porepId,
                            replicaId,
                            commD,
                            hex("commR", Facts.text(json, "commR"))));
        } catch (IllegalArgumentException e) {
            throw invalid(file.toString(), String.valueOf(e.getMessage()));
        }
    }

    private static Map<String, @Nullable Object> json(Path file) {
        String text = new String(read(file, MAX_STATEMENT), StandardCharsets.UTF_8);
        try {
            return Json.parse(text);
        } catch (PpiofsException e) {
            throw invalid(file.toString(), "is no JSON; make it with 'ppiofs sectors inspect SECTOR --json'");
        }
    }

    private static byte[] peer(String text) {
        if (!text.matches("([0-9a-fA-F]{2}){1,128}")) {
            throw invalid("peer", "is no binary peer id in hexadecimal digits");
        }
        return HexFormat.of().parseHex(text);
    }

    private static byte[] hex(String what, String text) {
        if (!text.matches("[0-9a-fA-F]{64}")) {
            throw invalid(what, "has 32 bytes, 64 hexadecimal digits; is the sector sealed?");
        }
        return HexFormat.of().parseHex(text);
    }

    private static PpiofsException invalid(String subject, String detail) {
        return new PpiofsException(ErrorKind.INVALID, "verify", subject, detail);
    }

    /** A file of bounded size. @throws PpiofsException INVALID, NOT_FOUND, IO */
    static byte[] read(Path file, long most) {
        try {
            long size = Files.size(file);
            if (size > most) {
                throw invalid(file.toString(), "has " + size + " bytes, more than " + most);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new PpiofsException(
                    Files.exists(file) ? ErrorKind.IO : ErrorKind.NOT_FOUND,
                    "verify",
                    file.toString(),
                    "cannot be read",
                    e);
        }
    }
}
