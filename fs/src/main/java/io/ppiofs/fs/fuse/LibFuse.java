package io.ppiofs.fs.fuse;

import jnr.ffi.annotations.IgnoreError;

/**
 * The low-level session interface of libfuse 2.9 ({@code fuse_lowlevel.h}, {@code fuse_opt.h}), as far as it is used.
 * Pointers, {@code size_t} and {@code fuse_ino_t} are Java longs: the driver runs on 64-bit machines only. Public only
 * because the code that jnr-ffi generates must reach it.
 */
@SuppressWarnings("checkstyle:MethodName") // the names are C's
public interface LibFuse {
    @IgnoreError
    int fuse_version();

    /** @return struct fuse_chan*, or 0; the reason is on stderr */
    long fuse_mount(long mountPoint, long args);

    @IgnoreError
    void fuse_unmount(long mountPoint, long chan);

    /** @return struct fuse_session*, or 0; the reason is on stderr */
    @IgnoreError
    long fuse_lowlevel_new(long args, long ops, long opsSize, long userData);

    @IgnoreError
    void fuse_opt_free_args(long args);

    @IgnoreError
    void fuse_session_add_chan(long session, long chan);

    @IgnoreError
    void fuse_session_process(long session, long buffer, long length, long chan);

    /** Destroys the channel too, which closes its descriptor. */
    @IgnoreError
    void fuse_session_destroy(long session);

    @IgnoreError
    long fuse_chan_bufsize(long chan);

    @IgnoreError
    int fuse_chan_fd(long chan);

    /** @return length of the request, 0 at the end of the session, or a negative errno */
    @IgnoreError
    int fuse_chan_recv(long chanPointer, long buffer, long size);

    /** @return struct fuse_ctx* of the request: uid, gid, pid, umask, each 32 bits */
    @IgnoreError
    long fuse_req_ctx(long req);

    /** Tells the kernel to forget attributes; with a negative offset no cached data. */
    @IgnoreError
    int fuse_lowlevel_notify_inval_inode(long chan, long ino, long offset, long length);

    @IgnoreError
    int fuse_reply_err(long req, int errno);

    @IgnoreError
    void fuse_reply_none(long req);

    @IgnoreError
    int fuse_reply_entry(long req, long entryParam);

    @IgnoreError
    int fuse_reply_create(long req, long entryParam, long fileInfo);

    @IgnoreError
    int fuse_reply_attr(long req, long stat, double timeoutSeconds);

    @IgnoreError
    int fuse_reply_open(long req, long fileInfo);

    @IgnoreError
    int fuse_reply_write(long req, long count);

    @IgnoreError
    int fuse_reply_buf(long req, long buffer, long size);

    @IgnoreError
    int fuse_reply_statfs(long req, long statvfs);

    @IgnoreError
    int fuse_reply_xattr(long req, long count);
}
