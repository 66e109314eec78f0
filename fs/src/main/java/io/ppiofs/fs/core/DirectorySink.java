package io.ppiofs.fs.core;

/** Takes directory entries in cookie order. */
@FunctionalInterface
public interface DirectorySink {
    /**
     * @param nextCookie where a later readdir goes on behind this entry; positive, stable across changes and remounts
     * @return false if the entry was not taken (the buffer is full) and no more are wanted
     */
    boolean add(FileName name, Ino ino, FileType type, long nextCookie);
}
