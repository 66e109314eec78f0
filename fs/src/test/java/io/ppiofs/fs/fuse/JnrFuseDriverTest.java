package io.ppiofs.fs.fuse;

/** The contract on libfuse 2.9. */
class JnrFuseDriverTest extends FuseDriverContractTest {
    @Override
    FuseDriver driver() {
        return new JnrFuseDriver();
    }
}
