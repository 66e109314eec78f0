package io.ppiofs.blockstore.sealed;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.FixedContentKeys;
import io.ppiofs.blockstore.MemoryBlockStore;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Stored forms of version 1 as they were first written: they must be read for ever, and still be written so. */
class GoldenStoredFormTest {
    private final MemoryBlockStore store = new MemoryBlockStore();
    private final SealedBlocks blocks = new SealedBlocks(store, new FixedContentKeys(), SealedOptions.defaults());

    static byte[] noise() {
        byte[] content = new byte[1000];
        new Random(1).nextBytes(content);
        return content;
    }

    static byte[] text() {
        return "ppiofs golden text, ".repeat(3500).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] golden(String name) throws Exception {
        try (InputStream in = GoldenStoredFormTest.class.getResourceAsStream("/golden/" + name)) {
            return Objects.requireNonNull(in, name).readAllBytes();
        }
    }

    @Test
    void bothCodecsAreReadAndWrittenAsEver() throws Exception {
        check("stored-raw-v1.bin", "stored-raw-v1.ref", BlockType.DATA, noise());
        check("stored-zstd-v1.bin", "stored-zstd-v1.ref", BlockType.NODE, text());
    }

    private void check(String file, String refFile, BlockType type, byte[] content) throws Exception {
        byte[] stored = golden(file);
        BlockRef ref = BlockRef.readFrom(ByteBuffer.wrap(golden(refFile)));
        assertThat(Cid.of(ByteBuffer.wrap(stored))).isEqualTo(ref.cid());
        store.put(List.of(new StoredBlock(ref.cid(), ByteBuffer.wrap(stored))));
        ByteBuffer dst = ByteBuffer.allocate(content.length);
        blocks.read(type, ref, 0, dst);
        assertThat(dst.array()).isEqualTo(content);
        assertThat(blocks.write(type, ByteBuffer.wrap(content))).isEqualTo(ref);
    }
}
