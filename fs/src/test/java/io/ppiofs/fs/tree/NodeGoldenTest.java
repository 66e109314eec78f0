package io.ppiofs.fs.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.Cid;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.NavigableMap;
import org.junit.jupiter.api.Test;

/** The bytes of version 1. A change here is a change of the format: it needs a new version, not new golden files. */
class NodeGoldenTest {
    @Test
    void aLeafHasTheseBytes() throws IOException {
        byte[][] keys = {ascii("inode 1"), ascii("inode 1 name"), ascii("inode 27")};
        byte[][] values = {ascii("root"), new byte[0], ascii("value")};
        check("leaf-v1.hex", Node.encode(0, keys, values, 3, 3));
    }

    @Test
    void anIndexNodeHasTheseBytes() throws IOException {
        byte[][] keys = {ascii("inode 1"), ascii("inode 27")};
        byte[][] values = {Node.childValue(ref(1), 40), Node.childValue(ref(2), 1L << 33)};
        check("index-v1.hex", Node.encode(1, keys, values, 2, 40 + (1L << 33)));
    }

    @Test
    void theRuleWhereNodesEndIsTheSame() throws IOException {
        NavigableMap<byte[], byte[]> model = TreeFixture.model();
        for (int i = 0; i < 20_000; i++) {
            model.put(ascii("key number " + i), ascii("value " + i * 7L));
        }
        BlockRef root = new TreeFixture().bulk(model).root();
        assertThat(root).isNotNull();
        assertThat(HexFormat.of().formatHex(root.cid().digest())).isEqualTo(golden("root-v1.hex"));
    }

    private static void check(String name, Node node) throws IOException {
        byte[] bytes = new byte[node.plaintext().remaining()];
        node.plaintext().get(bytes);
        assertThat(HexFormat.of().formatHex(bytes)).as(name).isEqualTo(golden(name));
        Node decoded = Node.decode(HexFormat.of().parseHex(golden(name)), ref(9));
        assertThat(decoded.height()).isEqualTo(node.height());
        assertThat(decoded.count()).isEqualTo(node.count());
        assertThat(decoded.entries()).isEqualTo(node.entries());
        for (int i = 0; i < node.count(); i++) {
            assertThat(decoded.key(i)).isEqualTo(node.key(i));
            assertThat(decoded.value(i)).isEqualTo(node.value(i));
        }
    }

    private static String golden(String name) throws IOException {
        try (InputStream in = NodeGoldenTest.class.getResourceAsStream(name)) {
            assertThat(in).as(name).isNotNull();
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).replaceAll("\\s", "");
        }
    }

    private static BlockRef ref(int seed) {
        byte[] digest = new byte[Cid.DIGEST_LENGTH];
        Arrays.fill(digest, (byte) seed);
        byte[] key = new byte[BlockKey.LENGTH];
        Arrays.fill(key, (byte) (0xf0 + seed));
        ByteBuffer.wrap(digest).putInt(seed);
        return new BlockRef(Cid.ofDigest(digest), BlockKey.of(key), 1000 + seed, seed, 0);
    }

    private static byte[] ascii(String s) {
        return s.getBytes(StandardCharsets.US_ASCII);
    }
}
