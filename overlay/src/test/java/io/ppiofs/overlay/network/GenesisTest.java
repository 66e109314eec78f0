package io.ppiofs.overlay.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenesisTest {
    @Test
    void the_public_network_is_for_ever_the_same() {
        byte[] record = Genesis.PUBLIC.encode();
        assertThat(HexFormat.of().formatHex(record)).isEqualTo(Golden.hex("genesis-public", record));
        assertThat(Genesis.PUBLIC.id()).hasToString("53tcy7lundrm3voapbf5h5rahkwusjzil6wex7lmghhg6iyzqivq");
        assertThat(Genesis.PUBLIC.isPrivate()).isFalse();
        assertThat(Genesis.decode(record)).isEqualTo(Genesis.PUBLIC);
    }

    @Test
    void a_private_network_names_its_membership_key() {
        byte[] record = Example.CLOSED.encode();
        assertThat(HexFormat.of().formatHex(record)).isEqualTo(Golden.hex("genesis-private", record));
        Genesis read = Genesis.decode(record);
        assertThat(read.membershipKey()).contains(Example.FOUNDER.publicKey());
        assertThat(read.name()).isEqualTo("club");
        assertThat(read.parameters()).isEqualTo(NetworkParameters.DEFAULT);
        assertThat(read.id()).isEqualTo(Example.CLOSED.id());
    }

    @Test
    void two_networks_of_one_name_are_two_networks() {
        SecureRandom random = new SecureRandom();
        Genesis a = Genesis.open("twin", NetworkParameters.DEFAULT, random);
        Genesis b = Genesis.open("twin", NetworkParameters.DEFAULT, random);
        assertThat(a.id()).isNotEqualTo(b.id());
        Genesis c = Genesis.closed("twin", NetworkParameters.DEFAULT, Example.FOUNDER, random);
        Genesis d = Genesis.closed("twin", NetworkParameters.DEFAULT, Example.FOUNDER, random);
        assertThat(c.id()).isNotEqualTo(d.id());
    }

    @Test
    void every_name_in_use_carries_the_id() {
        String id = Network.PUBLIC.id().toString();
        assertThat(Network.PUBLIC.kad()).hasToString("/ppiofs/" + id + "/kad/1.0.0");
        assertThat(Network.PUBLIC.blocks()).hasToString("/ppiofs/" + id + "/blocks/1.0.0");
        assertThat(Network.PUBLIC.member()).hasToString("/ppiofs/" + id + "/member/1.0.0");
        assertThat(Network.PUBLIC.topic("heads")).isEqualTo("ppiofs/" + id + "/heads");
        assertThat(Network.PUBLIC.mdnsService()).isEqualTo("_ppiofs-" + id.substring(0, 8) + "._udp.local");
        assertThat(Network.PUBLIC.mdnsService().indexOf('.') - 1).isLessThanOrEqualTo(15);
        assertThat(Network.PUBLIC.domain(new RecordType("head", 1))).isEqualTo("ppiofs/" + id + "/head/1");
    }

    @Test
    void any_changed_bit_is_noticed() {
        byte[] record = Example.CLOSED.encode();
        for (int bit = 0; bit < record.length * 8; bit++) {
            byte[] changed = record.clone();
            changed[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatThrownBy(() -> Genesis.decode(changed)).as("bit %d", bit).isInstanceOf(PpiofsException.class);
        }
        for (int length = 0; length < record.length; length++) {
            byte[] cut = Arrays.copyOf(record, length);
            assertThatThrownBy(() -> Genesis.decode(cut))
                    .as("length %d", length)
                    .isInstanceOf(PpiofsException.class);
        }
    }

    @Test
    void another_spelling_of_the_same_record_is_refused() {
        byte[] record = Example.CLOSED.encode();
        byte[] longer = Arrays.copyOf(record, record.length + 2);
        longer[record.length] = 0x30; // protobuf field 6, varint 0: unknown, ignored by protobuf
        assertRefused(longer, ErrorKind.CORRUPT);
    }

    @Test
    void a_later_version_is_told_apart_from_garbage() {
        CborMap.Builder fields = CborMap.builder().put(2, new CborText("later"));
        byte[] later = new RecordType("genesis", 2).seal(Example.FOUNDER, NetworkId.LOCAL, fields);
        assertRefused(later, ErrorKind.UNSUPPORTED_FORMAT);
        byte[] other = new RecordType("head", 1)
                .seal(Example.FOUNDER, NetworkId.LOCAL, CborMap.builder().put(2, CborSimple.NULL));
        assertRefused(other, ErrorKind.CORRUPT);
    }

    @Test
    void a_membership_key_must_sign_for_itself() {
        CborMap.Builder fields = CborMap.builder()
                .put(2, new CborText("club"))
                .put(3, new byte[16])
                .put(4, Example.FOUNDER.publicKey().data())
                .put(5, NetworkParameters.DEFAULT.toCbor());
        assertRefused(new RecordType("genesis", 1).seal(Example.ALICE, NetworkId.LOCAL, fields), ErrorKind.CORRUPT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " x", "a/b", "-x", "ü", "a b", "..", "x\n"})
    void names_that_would_mislead_are_refused(String name) {
        assertThatThrownBy(() -> Genesis.open(name, NetworkParameters.DEFAULT, new SecureRandom()))
                .isInstanceOf(PpiofsException.class)
                .extracting(e -> ((PpiofsException) e).kind())
                .isEqualTo(ErrorKind.INVALID);
    }

    private static void assertRefused(byte[] record, ErrorKind kind) {
        assertThatThrownBy(() -> Genesis.decode(record))
                .isInstanceOf(PpiofsException.class)
                .extracting(e -> ((PpiofsException) e).kind())
                .isEqualTo(kind);
    }
}
