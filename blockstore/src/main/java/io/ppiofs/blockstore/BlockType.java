package io.ppiofs.blockstore;

/** What a block holds. The type is bound into the block's key, so bytes of one type never open as another. */
public enum BlockType {
    /** File content, long symlinks, long extended attributes. */
    DATA(1),
    /** A node of a Merkle search tree. */
    NODE(2),
    /** The readable part of a head. */
    HEAD(3);

    private final int code;

    BlockType(int code) {
        this.code = code;
    }

    /** The byte in headers and key derivation. */
    public int code() {
        return code;
    }
}
