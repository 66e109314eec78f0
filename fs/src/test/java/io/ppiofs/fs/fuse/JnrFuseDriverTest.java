package io.ppiofs.fs.fuse;

import org.junit.jupiter.api.Tag;

/** The contract on libfuse 2.9. */
@Tag("long")
class JnrFuseDriverTest extends FuseDriverContractTest {
    @Override
    FuseDriver driver() {
        return new JnrFuseDriver();
    }
}
