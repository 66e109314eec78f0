package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.audit.AuditOrder;
import io.ppiofs.node.audit.AuditOutcome;
import io.ppiofs.node.audit.AuditReport;
import io.ppiofs.node.audit.VolumeAuditor;
import io.ppiofs.node.audit.WindowOutcome;
import io.ppiofs.node.control.Handler;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.swarm.Verifications;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.podr2.UnitChallenge;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The operation of the control protocol behind {@code ppiofs audit}. Thread-safe. */
final class AuditOperations {
    private static final String AUDIT = "audit";

    private final Node node;

    AuditOperations(Node node) {
        this.node = node;
    }

    /** May take long: it ends with the command that asked. */
    Map<String, @Nullable Object> audit(Request request, Handler.Asker asker) {
        String target = request.text("target");
        AtomicBoolean gone = new AtomicBoolean();
        asker.onGone(() -> gone.set(true));
        Long units = request.numberOrNull("units");
        if (units != null && (units < 1 || units > AuditAsk.MAX_UNITS)) {
            throw new PpiofsException(
                    ErrorKind.INVALID, AUDIT, "units", "must be a number from 1 to " + AuditAsk.MAX_UNITS);
        }
        VolumeSummary volume = node.services().find(target);
        VolumeAuditor verifies = volume == null ? verifier(target) : null;
        boolean isPeer = volume == null && verifies == null;
        AuditOrder order = new AuditOrder(
                request.flag("public") || verifies != null ? AuditForm.PUBLIC : AuditForm.PRIVATE,
                isPeer ? peer(target) : null,
                request.flag("fetch"),
                units == null ? UnitChallenge.USUAL_UNITS : units.intValue());
        String out = request.textOrNull("out");
        if (out != null && order.form() == AuditForm.PRIVATE) {
            throw new PpiofsException(
                    ErrorKind.INVALID, AUDIT, "--out", "only a public audit can be shown to others; add --public");
        }
        Sums sums = new Sums(out);
        if (verifies != null) {
            sums.add(target, verifies, verifies.audit(order, asker, gone::get));
            return sums.facts(target, order);
        }
        List<String> names = volume == null ? List.copyOf(node.mounts().open().keySet()) : List.of(volume.name());
        for (String name : names) {
            OpenVolume open = node.mounts().acquire(name, MountRequest.unlockOf(request));
            try {
                VolumeAuditor auditor = open.auditor();
                if (auditor == null) {
                    if (volume != null) {
                        throw new PpiofsException(
                                ErrorKind.NOT_PERMITTED,
                                AUDIT,
                                "volume " + name,
                                "only a home that may write it, in its network, has the keys of its tags");
                    }
                    continue;
                }
                sums.add(name, auditor, auditor.audit(order, asker, gone::get));
            } finally {
                node.mounts().release(name);
            }
        }
        return sums.facts(target, order);
    }

    /** The auditor of a volume that is audited here by its verify capability; null for anything else. */
    private @Nullable VolumeAuditor verifier(String target) {
        Verifications verifying = node.services().verifications();
        return verifying == null ? null : verifying.auditor(target);
    }

    /** What audits found together. */
    private static final class Sums {
        private final @Nullable String out;
        private final List<Map<String, @Nullable Object>> slots = new ArrayList<>();
        private final List<Map<String, @Nullable Object>> seals = new ArrayList<>();
        private final Map<AuditOutcome.Result, Integer> counts = new LinkedHashMap<>();
        private int untagged;
        private int written;

        /** @param out where a transcript is written; null for nowhere */
        Sums(@Nullable String out) {
            this.out = out;
        }

        void add(String volume, VolumeAuditor auditor, AuditReport report) {
            report.lines().forEach(line -> slots.add(describe(volume, line)));
            report.seals().forEach(seal -> seals.add(describe(volume, seal)));
            for (AuditOutcome.Result result : AuditOutcome.Result.values()) {
                counts.merge(result, report.count(result), Integer::sum);
            }
            untagged += report.untagged();
            if (out != null) {
                written += auditor.writeTranscript(report, Path.of(out));
            }
        }

        Map<String, @Nullable Object> facts(String target, AuditOrder order) {
            Map<String, @Nullable Object> facts = new LinkedHashMap<>();
            facts.put("target", target);
            facts.put("form", order.form() == AuditForm.PUBLIC ? "public" : "private");
            facts.put("passed", (long) counts.getOrDefault(AuditOutcome.Result.PASS, 0));
            facts.put("failed", (long) counts.getOrDefault(AuditOutcome.Result.FAIL, 0));
            facts.put("suspect", (long) counts.getOrDefault(AuditOutcome.Result.SUSPECT, 0));
            facts.put("untaggedGroups", (long) untagged);
            facts.put("transcriptBytes", (long) written);
            facts.put("slots", slots);
            facts.put("seals", seals);
            return facts;
        }
    }

    private static PeerId peer(String target) {
        try {
            return PeerId.parse(target);
        } catch (PpiofsException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND,
                    AUDIT,
                    target,
                    "is neither a volume of this home, nor one that it verifies ('ppiofs verifier list'), nor a peer id",
                    e);
        }
    }

    private static Map<String, @Nullable Object> describe(String volume, AuditReport.Seal seal) {
        AuditReport.Window window = seal.window();
        WindowOutcome outcome = window == null ? null : window.outcome();
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("volume", volume);
        facts.put("group", seal.group().toString());
        facts.put("slot", (long) seal.slot());
        facts.put("peer", seal.holder().toString());
        facts.put("result", outcome == null ? null : outcome.result().name());
        facts.put("state", seal.state().toLowerCase(Locale.ROOT));
        facts.put("parameters", seal.parameters());
        facts.put("sector", seal.sector());
        facts.put("lastWindow", seal.last() == null ? null : seal.last().name());
        facts.put("epoch", outcome == null ? null : outcome.epoch());
        facts.put("leaves", outcome == null ? null : (long) outcome.leaves());
        facts.put("millis", outcome == null ? null : outcome.took().toMillis());
        facts.put("deadlineMillis", outcome == null ? null : outcome.deadline().toMillis());
        facts.put("timed", outcome == null ? null : outcome.timed());
        facts.put("challenges", window == null ? 0L : (long) window.challenges());
        facts.put("failures", window == null ? 0L : (long) window.failed());
        facts.put("reason", seal.reason());
        return facts;
    }

    private static Map<String, @Nullable Object> describe(String volume, AuditReport.Line line) {
        AuditOutcome outcome = line.outcome();
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("volume", volume);
        facts.put("group", outcome.question().group().toString());
        facts.put("slot", (long) outcome.question().slot());
        facts.put("peer", outcome.holder().toString());
        facts.put("result", outcome.result().name());
        facts.put("epoch", outcome.question().epoch());
        facts.put("units", (long) outcome.units());
        facts.put("millis", outcome.took().toMillis());
        facts.put("deadlineMillis", outcome.deadline().toMillis());
        facts.put("challenges", (long) line.challenges());
        facts.put("failures", (long) line.failed());
        facts.put("reason", outcome.reason());
        return facts;
    }
}
