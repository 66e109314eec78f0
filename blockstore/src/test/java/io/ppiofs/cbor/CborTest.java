package io.ppiofs.cbor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CborTest {
    private static final HexFormat HEX = HexFormat.of();

    /** Vectors of RFC 8949, appendix A. */
    @ParameterizedTest
    @CsvSource({
        "0, 00",
        "1, 01",
        "10, 0a",
        "23, 17",
        "24, 1818",
        "25, 1819",
        "100, 1864",
        "1000, 1903e8",
        "1000000, 1a000f4240",
        "1000000000000, 1b000000e8d4a51000",
        "-1, 20",
        "-10, 29",
        "-100, 3863",
        "-1000, 3903e7",
        "9223372036854775807, 1b7fffffffffffffff",
        "-9223372036854775808, 3b7fffffffffffffff"
    })
    void integersAreEncodedAsInTheStandard(long value, String hex) throws MalformedException {
        assertThat(CborEncoder.encode(new CborInt(value))).isEqualTo(HEX.parseHex(hex));
        assertThat(CborDecoder.decode(HEX.parseHex(hex))).isEqualTo(new CborInt(value));
    }

    @Test
    void otherValuesAreEncodedAsInTheStandard() throws MalformedException {
        expect(CborBytes.of(new byte[] {1, 2, 3, 4}), "4401020304");
        expect(new CborText("IETF"), "6449455446");
        expect(new CborText("\u6c34"), "63e6b0b4");
        expect(new CborText("\ud800\udd51"), "64f0908591");
        expect(CborSimple.FALSE, "f4");
        expect(CborSimple.TRUE, "f5");
        expect(CborSimple.NULL, "f6");
        expect(new CborArray(List.of(new CborInt(1), new CborArray(List.of(new CborInt(2))))), "82018102");
        expect(
                CborMap.builder().put(3, 4).put(1, 2).build(), // put in the wrong order
                "a201020304");
    }

    @Test
    void mapKeysAreOrderedByTheirEncoding() {
        CborMap map = CborMap.builder()
                .put("aa", new CborInt(0))
                .put("z", new CborInt(0))
                .put(-1, 0)
                .put(100, 0)
                .put(10, 0)
                .build();
        // RFC 8949 section 4.2.1: 10, 100, -1, "z", "aa"
        assertThat(HEX.formatHex(CborEncoder.encode(map))).isEqualTo("a50a0018640020006" + "17a0062616100");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", // nothing
                "1817", // 23 in two bytes
                "190018", // 24 in three
                "1a0000ffff",
                "1b00000000ffffffff",
                "1bffffffffffffffff", // beyond 63 bits
                "3bffffffffffffffff",
                "5f4101ff", // indefinite
                "9fff",
                "bfff",
                "ff",
                "1c", // reserved
                "c000", // tag
                "f97e00", // float
                "fb7ff8000000000000",
                "f7", // undefined
                "f0", // unassigned simple value
                "f814",
                "44010203", // ends early
                "5b7fffffffffffffff", // says it has 2^63 bytes
                "9b7fffffffffffffff",
                "bb7fffffffffffffff",
                "9a7fffffff",
                "ba7fffffff",
                "a2020001", // half a map
                "a202000100", // keys out of order
                "a201000100", // a key twice
                "a1410000", // key is a byte string
                "a1800000",
                "62c328", // no UTF-8
                "63eda080", // half a surrogate pair
                "0000" // something behind
            })
    void anythingButTheOneEncodingIsRefused(String hex) {
        assertThatThrownBy(() -> CborDecoder.decode(HEX.parseHex(hex))).isInstanceOf(MalformedException.class);
    }

    @Test
    void nestingIsBounded() {
        byte[] deep = new byte[100_000];
        Arrays.fill(deep, (byte) 0x81);
        assertThatThrownBy(() -> CborDecoder.decode(deep)).hasMessageContaining("nested deeper");
        Cbor value = CborSimple.NULL;
        for (int i = 0; i <= Cbor.MAX_DEPTH; i++) {
            value = new CborArray(List.of(value));
        }
        Cbor tooDeep = value;
        assertThatThrownBy(() -> CborEncoder.encode(tooDeep)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theNumberOfItemsCanBeBounded() throws MalformedException {
        byte[] record = CborEncoder.encode(CborMap.builder()
                .put(1, new CborArray(List.of(new CborInt(7), new CborInt(8))))
                .build());
        // the map, its key, the list and two numbers
        assertThat(CborDecoder.decodeMap(record, 5)).isEqualTo(CborDecoder.decodeMap(record));
        assertThatThrownBy(() -> CborDecoder.decodeMap(record, 4)).hasMessageContaining("too many items");
        byte[] hostile = new byte[7 << 20];
        hostile[0] = (byte) 0x9a; // a list with as many numbers as there are bytes left
        java.nio.ByteBuffer.wrap(hostile).putInt(1, hostile.length - 5);
        assertThatThrownBy(() -> CborDecoder.decodeMap(hostile, 1000)).hasMessageContaining("too many items");
    }

    @Test
    void textThatIsNoUnicodeIsNotWritten() {
        assertThatThrownBy(() -> CborEncoder.encode(new CborText("\ud800")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void randomValuesComeBackAndHaveOneEncoding() throws MalformedException {
        long seed = new Random().nextLong();
        System.out.println("CborTest seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 3000; i++) {
            Cbor value = randomValue(random, 0);
            byte[] bytes = CborEncoder.encode(value);
            assertThat(CborDecoder.decode(bytes))
                    .as("seed %d, round %d", seed, i)
                    .isEqualTo(value);
        }
    }

    @Test
    void whateverIsReadIsWrittenBackAsTheSameBytes() {
        long seed = new Random().nextLong();
        System.out.println("CborTest seed " + seed);
        Random random = new Random(seed);
        int accepted = 0;
        for (int i = 0; i < 30_000; i++) {
            byte[] bytes = CborEncoder.encode(randomValue(random, 0));
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            try {
                Cbor value = CborDecoder.decode(bytes);
                accepted++;
                assertThat(CborEncoder.encode(value))
                        .as("seed %d, round %d", seed, i)
                        .isEqualTo(bytes);
            } catch (MalformedException e) {
                assertThat(e).hasMessageNotContaining("null");
            }
        }
        assertThat(accepted).as("seed %d", seed).isPositive();
    }

    private static void expect(Cbor value, String hex) throws MalformedException {
        assertThat(HEX.formatHex(CborEncoder.encode(value))).isEqualTo(hex);
        assertThat(CborDecoder.decode(HEX.parseHex(hex))).isEqualTo(value);
    }

    private static Cbor randomValue(Random random, int depth) {
        switch (random.nextInt(depth > 3 ? 4 : 6)) {
            case 0:
                return new CborInt(random.nextLong() >> random.nextInt(64));
            case 1:
                byte[] bytes = new byte[random.nextInt(300)];
                random.nextBytes(bytes);
                return CborBytes.of(bytes);
            case 2:
                return randomText(random);
            case 3:
                return CborSimple.values()[random.nextInt(3)];
            case 4:
                List<Cbor> items = new ArrayList<>();
                for (int i = random.nextInt(5); i > 0; i--) {
                    items.add(randomValue(random, depth + 1));
                }
                return new CborArray(items);
            default:
                CborMap.Builder map = CborMap.builder();
                for (int i = random.nextInt(5); i > 0; i--) {
                    // i makes the keys differ
                    Cbor key = random.nextBoolean()
                            ? new CborInt(random.nextInt(1000) * 8L + i)
                            : new CborText(randomText(random).value() + i);
                    map.put(key, randomValue(random, depth + 1));
                }
                return map.build();
        }
    }

    private static CborText randomText(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(40); i > 0; i--) {
            int c = random.nextInt(0x10ffff + 1);
            text.appendCodePoint(c >= 0xd800 && c <= 0xdfff ? 'x' : c);
        }
        return new CborText(text.toString());
    }
}
