package io.ppiofs.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.PpiofsException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HandleTableTest {
    private final HandleTable<String> table = new HandleTable<>(String.class);

    @Test
    void findsWhatWasAddedAndReusesNumbers() {
        List<Long> handles = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            handles.add(table.add("v" + i));
        }
        for (int i = 0; i < 1000; i++) {
            assertThat(table.get(handles.get(i))).isEqualTo("v" + i);
        }
        for (int i = 0; i < 500; i++) {
            assertThat(table.remove(handles.get(i))).isEqualTo("v" + i);
        }
        for (int i = 0; i < 500; i++) {
            assertThat(table.add("w" + i)).isLessThan(1000);
        }
        assertThat(table.drain()).hasSize(1000).contains("w0", "v999").doesNotContain("v0");
        assertThat(table.drain()).isEmpty();
    }

    @Test
    void goesOnWithTheNumbersOfAnotherTable() {
        table.restore(Map.of(3L, "d", 200L, "x"), Set.of(5L, 202L));
        assertThat(table.get(3)).isEqualTo("d");
        assertThatThrownBy(() -> table.get(5)).isInstanceOf(PpiofsException.class);
        Map<Long, String> open = new HashMap<>();
        for (int i = 0; i < 300; i++) {
            open.put(table.add("n" + i), "n" + i);
        }
        assertThat(open).hasSize(300).doesNotContainKeys(3L, 200L, 5L, 202L);
        open.put(3L, "d");
        open.put(200L, "x");
        Map<Long, String> seen = new HashMap<>();
        table.forEach(seen::put);
        assertThat(seen).isEqualTo(open);
        assertThat(table.remove(200)).isEqualTo("x");
    }

    @Test
    void refusesWhatIsNotOpen() {
        long handle = table.add("x");
        table.remove(handle);
        for (long bad : new long[] {handle, -1, 5, 1L << 40}) {
            assertThatThrownBy(() -> table.get(bad)).isInstanceOf(PpiofsException.class);
            assertThatThrownBy(() -> table.remove(bad)).isInstanceOf(PpiofsException.class);
        }
    }
}
