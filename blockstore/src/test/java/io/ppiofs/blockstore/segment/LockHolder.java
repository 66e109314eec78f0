package io.ppiofs.blockstore.segment;

import io.ppiofs.error.PpiofsException;
import java.nio.file.Path;

/** A second process: tries to open the store named by its argument and tells what came of it. */
public final class LockHolder {
    private LockHolder() {}

    public static void main(String[] args) {
        try (SegmentBlockStore store = StoreFixture.open(Path.of(args[0]))) {
            System.out.println("OPEN " + store.statistics().segments());
        } catch (PpiofsException e) {
            System.out.println(e.kind() + " " + e.getMessage());
        }
    }
}
