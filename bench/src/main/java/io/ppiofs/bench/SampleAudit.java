package io.ppiofs.bench;

import io.ppiofs.proofs.podr2.AuditedUnits;
import io.ppiofs.proofs.podr2.MacKey;
import io.ppiofs.proofs.podr2.PublicProver;
import io.ppiofs.proofs.podr2.PublicVerifier;
import io.ppiofs.proofs.podr2.TagKey;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.podr2.UnitName;
import java.util.SplittableRandom;

/** An audit of 460 units of 1 GiB, whose units are a few that repeat: the work is the same. Not thread-safe. */
public final class SampleAudit implements AuditedUnits {
    private static final int DISTINCT = 64;
    private static final long UNITS_OF_A_GIB = (1L << 30) / UnitName.UNIT_BYTES;

    private final TagKey key = TagKey.ofSecret(new byte[32]);
    private final TagPublicKey publicKey = key.publicKey();
    private final MacKey mac = MacKey.ofSecret(new byte[32]);
    private final byte[][] units = new byte[DISTINCT][UnitName.UNIT_BYTES];
    private final byte[][] tags = new byte[DISTINCT][];
    private final UnitChallenge challenge =
            UnitChallenge.derive(new byte[32], UNITS_OF_A_GIB, UnitChallenge.USUAL_UNITS);
    private final byte[] answer;
    private int next;

    public SampleAudit() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < DISTINCT; i++) {
            random.nextBytes(units[i]);
            tags[i] = key.tag(name(i), units[i]);
        }
        answer = answer();
    }

    private static UnitName name(long number) {
        return new UnitName(new byte[36], (int) (number % DISTINCT));
    }

    @Override
    public byte[] unit(long number) {
        return units[(int) (number % DISTINCT)];
    }

    @Override
    public byte[] tag(long number) {
        return tags[(int) (number % DISTINCT)];
    }

    public byte[] tagPublicly() {
        next++;
        return key.tag(name(next), unit(next));
    }

    public byte[] tagPrivately() {
        next++;
        return mac.tag(name(next), unit(next));
    }

    public byte[] answer() {
        return PublicProver.answer(publicKey, challenge, this);
    }

    /** @throws IllegalStateException if the answer does not hold */
    public Object verify() {
        if (!PublicVerifier.verify(publicKey, challenge, SampleAudit::name, answer)
                .accepted()) {
            throw new IllegalStateException("the answer does not hold");
        }
        return answer;
    }
}
