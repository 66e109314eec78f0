package io.ppiofs.tests.harness;

import java.nio.file.Path;

/**
 * A file system under test: a directory that can go away and come back. Not thread-safe, except that {@link #kill9}
 * may be called while others work in the directory.
 */
public interface MountedFs extends AutoCloseable {
    /** Where it is mounted. The directory exists even when it is not. */
    Path dir();

    void mount();

    /** Returns when everything is safe and the mount is gone. */
    void umount();

    /** {@link #umount}, drops the kernel's caches, {@link #mount}. */
    default void remount() {
        umount();
        KernelCaches.drop();
        mount();
    }

    /** {@code kill -9} of the daemon; returns when it is dead. The dead mount point stays. */
    void kill9();

    /** False for a directory without a daemon. */
    default boolean canBeKilled() {
        return true;
    }

    /** What its daemon is doing, for a test that waits in vain. */
    default String diagnosis() {
        return "";
    }

    /** Unmounts by all means. Never throws because of a state that a test left. */
    @Override
    void close();
}
