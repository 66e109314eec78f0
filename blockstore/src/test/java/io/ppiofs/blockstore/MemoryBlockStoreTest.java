package io.ppiofs.blockstore;

class MemoryBlockStoreTest extends BlockStoreContractTest {
    @Override
    protected BlockStore newStore() {
        return new MemoryBlockStore();
    }
}
