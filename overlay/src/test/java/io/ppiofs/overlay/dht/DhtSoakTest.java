package io.ppiofs.overlay.dht;

import org.junit.jupiter.api.Tag;

/** The promises of {@link DhtScaleTest} with 10,000 nodes in one JVM of 4 GiB. */
@Tag("soak")
class DhtSoakTest extends DhtScaleTest {
    @Override
    int size() {
        return 10_000;
    }
}
