package io.ppiofs.fs.core;

/** The flags of renameat2(2). */
public enum RenameMode {
    REPLACE,
    NO_REPLACE,
    EXCHANGE
}
