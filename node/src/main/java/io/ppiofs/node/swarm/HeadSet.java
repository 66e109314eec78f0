package io.ppiofs.node.swarm;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HeadClear;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.storage.PinnedHead;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The newest published head of each certified writer of a volume, as the DHT carries it: bounded, and checked without any key
 * of the volume. Immutable.
 *
 * <p>Form: deterministic CBOR map {1: version 1, 2: list of {@code storage-head} records, by the writers' keys, ascending, each
 * writer once}. Sets are ordered, so that who knows two takes the same one everywhere: more and newer heads are greater, and
 * what contains another set is never below it.
 */
final class HeadSet {
    /** Most writers. */
    static final int MAX_WRITERS = 6;

    /** Most bytes of a head's record: larger ones are found by asking operators. */
    static final int MAX_HEAD = 5 * 1024;

    /** Most bytes of the whole: that many heads of that size, and below what the DHT takes for a value. */
    static final int MAX_BYTES = 31 * 1024;

    private static final int VERSION = 1;

    /** A head and what orders it among those of its writer. */
    private record Member(byte[] writer, long sequence, PinnedHead.Signed head) {
        static final Comparator<Member> AGE = Comparator.comparingLong(Member::sequence)
                .thenComparingLong(member -> member.head().pin().sequence())
                .thenComparing(member -> member.head().envelope(), Arrays::compareUnsigned);
    }

    private final List<Member> members;

    private HeadSet(Collection<Member> members) {
        this.members = List.copyOf(members);
    }

    static HeadSet empty() {
        return new HeadSet(List.of());
    }

    /** The set of one head; empty if it is too large, or does not verify as a head of the volume. */
    static HeadSet of(PinnedHead.Signed head, VolumeId volume) {
        try {
            return new HeadSet(List.of(member(head, volume)));
        } catch (PpiofsException noHead) {
            return empty();
        }
    }

    private static Member member(PinnedHead.Signed head, VolumeId volume) {
        if (head.envelope().length > MAX_HEAD) {
            throw damaged("a head of " + head.envelope().length + " bytes");
        }
        HeadClear clear = Head.verify(HeadBundle.decode(head.pin().head()).head(), "in the DHT");
        if (!clear.volume().equals(volume) || !VolumeId.of(head.pin().volume()).equals(volume)) {
            throw damaged("a head of another volume");
        }
        return new Member(clear.certificate().writer().bytes(), clear.sequence(), head);
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT if a signature, a bound or the form does not hold */
    static HeadSet decode(byte[] value, VolumeId volume, NetworkId network) {
        if (value.length > MAX_BYTES) {
            throw damaged(value.length + " bytes");
        }
        try {
            CborMap fields = CborDecoder.decodeMap(value);
            fields.requireFields(2);
            fields.uint(1, VERSION);
            List<Member> members = new ArrayList<>();
            byte[] last = new byte[0];
            for (Cbor item : fields.array(2, MAX_WRITERS).items()) {
                if (!(item instanceof CborBytes bytes) || bytes.length() > MAX_HEAD) {
                    throw new MalformedException("a head is no record");
                }
                Member member = member(PinnedHead.open(bytes.value(), network), volume);
                if (Arrays.compareUnsigned(last, member.writer()) >= 0) {
                    throw new MalformedException("the writers are out of order");
                }
                last = member.writer();
                members.add(member);
            }
            HeadSet set = new HeadSet(members);
            if (members.isEmpty() || !Arrays.equals(set.encode(), value)) {
                throw new MalformedException("it is not in its only form");
            }
            return set;
        } catch (MalformedException e) {
            throw damaged(String.valueOf(e.getMessage()));
        }
    }

    byte[] encode() {
        List<Cbor> heads = new ArrayList<>();
        members.forEach(member -> heads.add(CborBytes.of(member.head().envelope())));
        return CborEncoder.encode(
                CborMap.builder().put(1, VERSION).put(2, new CborArray(heads)).build());
    }

    /** The newest head of each writer of both; where that is too much the heads with the lowest sequences go. */
    HeadSet with(HeadSet other) {
        TreeMap<byte[], Member> byWriter = new TreeMap<byte[], Member>(Arrays::compareUnsigned);
        for (HeadSet set : List.of(this, other)) {
            for (Member member : set.members) {
                byWriter.merge(member.writer(), member, (a, b) -> Member.AGE.compare(a, b) >= 0 ? a : b);
            }
        }
        List<Member> newest = new ArrayList<>(byWriter.values());
        while (newest.size() > MAX_WRITERS) {
            newest.remove(Collections.min(newest, Member.AGE));
        }
        return new HeadSet(newest);
    }

    /**
     * A total order in which a set stands above every other one that it contains or is newer than, writer by writer: by the sum of
     * the heads' sequences, then of their pins', then by bytes.
     */
    int compareTo(HeadSet other) {
        int order = sum(Member::sequence).compareTo(other.sum(Member::sequence));
        if (order == 0) {
            ToLongFunction<Member> pinned = member -> member.head().pin().sequence();
            order = sum(pinned).compareTo(other.sum(pinned));
        }
        return order == 0 ? Arrays.compareUnsigned(encode(), other.encode()) : order;
    }

    private BigInteger sum(ToLongFunction<Member> number) {
        BigInteger sum = BigInteger.ZERO;
        for (Member member : members) {
            sum = sum.add(BigInteger.valueOf(number.applyAsLong(member)));
        }
        return sum;
    }

    boolean isEmpty() {
        return members.isEmpty();
    }

    List<PinnedHead.Signed> heads() {
        return members.stream().map(Member::head).toList();
    }

    /** The sequence of a writer's head, null if there is none. */
    @Nullable
    Long sequenceOf(byte[] writer) {
        return members.stream()
                .filter(member -> Arrays.equals(member.writer(), writer))
                .map(Member::sequence)
                .findFirst()
                .orElse(null);
    }

    private static PpiofsException damaged(String what) {
        return new PpiofsException(ErrorKind.CORRUPT, "read", "heads in the DHT", what);
    }
}
