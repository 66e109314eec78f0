package io.ppiofs.fs.fuse;

import jnr.ffi.annotations.IgnoreError;

/** The few calls of the C library that Java has no name for. Public only because of jnr-ffi's generated code. */
public interface LibC {
    int umount2(long target, int flags);

    int statfs(long path, long buffer);

    int mount(long source, long target, long type, long flags, long data);

    int geteuid();

    @IgnoreError
    int poll(long descriptors, long count, int timeoutMillis);
}
