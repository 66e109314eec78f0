package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.audit.SlotUnits;
import io.ppiofs.proofs.podr2.MacKey;
import io.ppiofs.proofs.podr2.PublicProver;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.podr2.UnitName;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/** A holder that answers with the product's arithmetic, and with zeros where it has thrown a unit away. */
final class SlotHolder {
    private final TaggedVolume volume;
    private final IdentityKey key;
    final Set<Long> dropped = new HashSet<>();

    SlotHolder(TaggedVolume volume, int slot) {
        this.volume = volume;
        this.key = volume.holders.get(slot);
    }

    AuditAnswer answer(AuditAsk question) {
        return AuditAnswer.sign(question, proof(question), key, TaggedVolume.NETWORK);
    }

    byte[] proof(AuditAsk question) {
        SlotUnits units = volume.group.units(question.slot());
        UnitChallenge challenge =
                SlotVerifier.challengeOf(question, TaggedVolume.NETWORK).units(units.total());
        return question.form() == AuditForm.PUBLIC.ordinal()
                ? PublicProver.open(TagPublicKey.fromBytes(question.tagKey()), challenge, unit -> read(units, unit))
                : MacKey.combine(challenge, unit -> read(units, unit));
    }

    private byte[] read(SlotUnits units, long unit) {
        byte[] bytes = new byte[UnitName.UNIT_BYTES];
        if (!dropped.contains(unit)) {
            Cid cid = Cid.fromBytes(units.blocks().get(units.blockOf(unit)).cid());
            volume.everything.read(cid, (long) units.within(unit) * bytes.length, ByteBuffer.wrap(bytes));
        }
        return bytes;
    }
}
