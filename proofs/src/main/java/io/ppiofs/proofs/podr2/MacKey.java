package io.ppiofs.proofs.podr2;

import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.Verdict;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongFunction;

/**
 * The owner's secret for audits that only the owner checks. A unit is a vector m of {@link #WORDS} numbers of 56 bits; its tag is, in
 * each of two lanes, {@code f(name) + Σ αⱼ mⱼ} modulo 2^61 - 1, with f a keyed hash. Thread-safe.
 *
 * <p>An answer passes without the data with probability 2^-61 at most: the coefficients are common to both lanes; a tag for a
 * chosen unit is guessed with 2^-122. Its size is {@link #ANSWER_BYTES} for any number of units.
 */
public final class MacKey {
    /** Bytes of a tag: two lanes. */
    public static final int TAG_BYTES = 16;

    private static final int WORD_BYTES = 7;
    /** Words of a unit, the last one partly zeros. */
    static final int WORDS = (UnitName.UNIT_BYTES + WORD_BYTES - 1) / WORD_BYTES;
    /** The sum of the units. */
    public static final int COMBINED_BYTES = WORDS * Long.BYTES;
    /** The sum of the units, and the two lanes of the sum of the tags. */
    public static final int ANSWER_BYTES = COMBINED_BYTES + TAG_BYTES;

    private static final long WORD_MASK = (1L << 56) - 1;
    private static final int LANES = 2;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] secret;
    private final long[] first;
    private final long[] second;

    private MacKey(byte[] secret) {
        this.secret = secret;
        this.first = multipliers(secret, 0);
        this.second = multipliers(secret, 1);
    }

    /** @param secret 32 random bytes, copied */
    public static MacKey ofSecret(byte[] secret) {
        if (secret.length != Sha256.BYTES) {
            throw new IllegalArgumentException("secret has " + secret.length + " bytes, not 32");
        }
        return new MacKey(secret.clone());
    }

    private static long[] multipliers(byte[] secret, int lane) {
        long[] multipliers = new long[WORDS];
        Sha256 sha256 = new Sha256();
        for (int i = 0; i < WORDS; i++) {
            byte[] digest = sha256.update(Curve.domain("ppiofs podr2 mac multiplier v1"))
                    .update(secret)
                    .updateInt(lane)
                    .updateInt(i)
                    .digest();
            multipliers[i] = Mersenne61.reduce((long) LONGS.get(digest, 0));
        }
        return multipliers;
    }

    /** The tag of a unit of {@link UnitName#UNIT_BYTES} bytes. */
    public byte[] tag(UnitName name, byte[] unit) {
        long[] words = new long[WORDS];
        words(unit, words);
        byte[] mask = mask(name);
        return ByteBuffer.allocate(TAG_BYTES)
                .putLong(Mersenne61.add(masked(mask, 0), dot(words, first)))
                .putLong(Mersenne61.add(masked(mask, 1), dot(words, second)))
                .array();
    }

    private byte[] mask(UnitName name) {
        return new Sha256()
                .update(Curve.domain("ppiofs podr2 mac name v1"))
                .update(secret)
                .update(name.message())
                .digest();
    }

    private static long masked(byte[] mask, int lane) {
        return Mersenne61.reduce((long) LONGS.get(mask, lane * Long.BYTES));
    }

    static void words(byte[] unit, long[] words) {
        UnitPolynomial.requireUnit(unit);
        int whole = (UnitName.UNIT_BYTES - Long.BYTES) / WORD_BYTES + 1;
        for (int i = 0; i < whole; i++) {
            words[i] = (long) LONGS.get(unit, i * WORD_BYTES) & WORD_MASK;
        }
        for (int i = whole; i < WORDS; i++) {
            long word = 0;
            for (int b = Math.min(UnitName.UNIT_BYTES, (i + 1) * WORD_BYTES) - 1; b >= i * WORD_BYTES; b--) {
                word = word << 8 | unit[b] & 0xff;
            }
            words[i] = word;
        }
    }

    /** Products of 56 and 61 bits: 2^11 of them fit into 128. */
    private static long dot(long[] words, long[] multipliers) {
        long high = 0;
        long low = 0;
        for (int i = 0; i < WORDS; i++) {
            long product = words[i] * multipliers[i];
            high += Math.multiplyHigh(words[i], multipliers[i]);
            low += product;
            // the carry, without a branch: whether low is less than what was added, unsigned
            high += low + Long.MIN_VALUE < product + Long.MIN_VALUE ? 1 : 0;
        }
        return Mersenne61.reduce(high, low);
    }

    /** The whole answer of somebody who has units and tags: {@link #combine} and {@link #combineTags}. No key is needed. */
    public static byte[] answer(UnitChallenge challenge, AuditedUnits units) {
        return ByteBuffer.allocate(ANSWER_BYTES)
                .put(combine(challenge, units::unit))
                .put(combineTags(challenge, units::tag))
                .array();
    }

    /**
     * The part of the answer that takes the data: what the storing peer sends.
     *
     * @param units of {@link UnitName#UNIT_BYTES} bytes, by their number
     */
    public static byte[] combine(UnitChallenge challenge, LongFunction<byte[]> units) {
        long[] sum = new long[WORDS];
        long[] words = new long[WORDS];
        for (int i = 0; i < challenge.size(); i++) {
            long coefficient = challenge.smallCoefficient(i);
            words(units.apply(challenge.unit(i)), words);
            for (int j = 0; j < WORDS; j++) {
                sum[j] = Mersenne61.add(sum[j], Mersenne61.multiply(coefficient, words[j]));
            }
        }
        ByteBuffer out = ByteBuffer.allocate(COMBINED_BYTES);
        for (long word : sum) {
            out.putLong(word);
        }
        return out.array();
    }

    /** The part of the answer that takes the tags: {@link #TAG_BYTES} bytes, made by whoever keeps them. */
    public static byte[] combineTags(UnitChallenge challenge, LongFunction<byte[]> tags) {
        long[] lanes = new long[LANES];
        for (int i = 0; i < challenge.size(); i++) {
            long coefficient = challenge.smallCoefficient(i);
            ByteBuffer tag = ByteBuffer.wrap(tags.apply(challenge.unit(i)));
            for (int lane = 0; lane < LANES; lane++) {
                long value = Mersenne61.reduce(tag.getLong());
                lanes[lane] = Mersenne61.add(lanes[lane], Mersenne61.multiply(coefficient, value));
            }
        }
        return ByteBuffer.allocate(TAG_BYTES)
                .putLong(lanes[0])
                .putLong(lanes[1])
                .array();
    }

    /** @param names of the units by their number @param answer as the prover sent it */
    public Verdict verify(UnitChallenge challenge, LongFunction<UnitName> names, byte[] answer) {
        if (answer.length != ANSWER_BYTES) {
            return Verdict.reject("an answer has " + answer.length + " bytes, not " + ANSWER_BYTES);
        }
        ByteBuffer in = ByteBuffer.wrap(answer);
        long[] expected = new long[LANES];
        for (int i = 0; i < WORDS; i++) {
            long word = in.getLong();
            if (word < 0 || word >= Mersenne61.PRIME) {
                return Verdict.reject("word " + i + " is not below the prime");
            }
            expected[0] = Mersenne61.add(expected[0], Mersenne61.multiply(word, first[i]));
            expected[1] = Mersenne61.add(expected[1], Mersenne61.multiply(word, second[i]));
        }
        for (int i = 0; i < challenge.size(); i++) {
            byte[] mask = mask(names.apply(challenge.unit(i)));
            long coefficient = challenge.smallCoefficient(i);
            for (int lane = 0; lane < LANES; lane++) {
                expected[lane] = Mersenne61.add(expected[lane], Mersenne61.multiply(coefficient, masked(mask, lane)));
            }
        }
        return in.getLong() == expected[0] && in.getLong() == expected[1]
                ? Verdict.accept()
                : Verdict.reject("the answer does not fit the tags");
    }
}
