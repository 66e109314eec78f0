package io.ppiofs.fs.core;

import java.util.function.Supplier;

/**
 * Content of a live file that only the owner of the volume's root, and root, may read. It is made when the file is
 * opened, not when it is looked at: its size reads 0, as with the files of proc(5).
 */
@FunctionalInterface
public interface PrivateContent extends Supplier<byte[]> {}
