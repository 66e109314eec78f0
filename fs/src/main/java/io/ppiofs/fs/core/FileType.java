package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;

/** Type bits of {@code st_mode} (sys/stat.h); the same numbers on Linux and macOS. */
public enum FileType {
    FIFO(0x1000),
    CHARACTER_DEVICE(0x2000),
    DIRECTORY(0x4000),
    BLOCK_DEVICE(0x6000),
    REGULAR(0x8000),
    SYMLINK(0xA000),
    SOCKET(0xC000);

    /** S_IFMT. */
    public static final int MASK = 0xF000;

    private final int bits;

    FileType(int bits) {
        this.bits = bits;
    }

    /** S_IFxxx. */
    public int bits() {
        return bits;
    }

    /** @throws PpiofsException INVALID for bits that name no type */
    public static FileType ofMode(int mode) {
        for (FileType t : values()) {
            if (t.bits == (mode & MASK)) {
                return t;
            }
        }
        throw new PpiofsException(ErrorKind.INVALID, "stat", Integer.toOctalString(mode), "no such file type");
    }
}
