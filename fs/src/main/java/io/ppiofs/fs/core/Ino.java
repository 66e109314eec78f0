package io.ppiofs.fs.core;

/**
 * Inode number: view (8 bits: 0 live), writer slot (20), counter (36). Never reused.
 *
 * @param value the 64 bits as the kernel sees them
 */
public record Ino(long value) {
    /** The root directory of the live view, as FUSE numbers it. */
    public static final Ino ROOT = new Ino(1);

    @Override
    public String toString() {
        return Long.toUnsignedString(value);
    }
}
