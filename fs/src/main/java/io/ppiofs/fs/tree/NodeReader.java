package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;

/** From a ref to a decoded node. */
final class NodeReader {
    private NodeReader() {}

    /** Child i; a child that is not exactly one lower than its parent is CORRUPT, so every descent ends. */
    static Node child(TreeContext context, Node parent, int i) {
        BlockRef ref = parent.child(i);
        Node node = cached(context, ref);
        if (node.height() != parent.height() - 1) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read tree node",
                    ref.cid().toString(),
                    "height " + node.height() + " below height " + parent.height() + "; run ppiofs fsck");
        }
        return node;
    }

    static Node cached(TreeContext context, BlockRef ref) {
        Node node = context.cache().get(ref);
        if (node == null) {
            node = uncached(context.blocks(), ref);
            context.cache().put(ref, node);
        }
        return node;
    }

    static Node uncached(Blocks blocks, BlockRef ref) {
        if (ref.length() > Node.MAX_BYTES) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read tree node",
                    ref.cid().toString(),
                    "a node cannot have " + ref.length() + " bytes; run ppiofs fsck");
        }
        byte[] bytes = new byte[ref.length()];
        blocks.read(BlockType.NODE, ref, 0, ByteBuffer.wrap(bytes));
        return Node.decode(bytes, ref);
    }
}
