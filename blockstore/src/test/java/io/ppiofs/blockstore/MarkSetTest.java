package io.ppiofs.blockstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.gc.MarkSet;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MarkSetTest {
    @Test
    void holdsWhatWasAddedAndNothingElse() {
        Random random = new Random(11);
        MarkSet marks = new MarkSet(0);
        Set<Cid> model = new HashSet<>();
        for (int i = 0; i < 50_000; i++) {
            Cid cid = Cid.ofWords(i % 10 == 0 ? 0 : random.nextLong(), random.nextInt(100_000), 0, 0);
            assertThat(marks.add(cid)).isEqualTo(model.add(cid));
        }
        Cid zero = Cid.ofWords(0, 0, 5, 5);
        assertThat(marks.contains(zero)).isEqualTo(model.contains(Cid.ofWords(0, 0, 0, 0)));
        marks.add(zero);
        assertThat(marks.contains(zero)).isTrue();
        model.add(zero);
        model.forEach(cid -> assertThat(marks.contains(cid)).isTrue());
        for (int i = 0; i < 10_000; i++) {
            assertThat(marks.contains(Cid.ofWords(random.nextLong(), -1 - i, 0, 0)))
                    .isFalse();
        }
    }
}
