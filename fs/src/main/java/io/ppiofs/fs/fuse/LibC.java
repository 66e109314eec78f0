package io.ppiofs.fs.fuse;

import jnr.ffi.annotations.IgnoreError;

/**
 * The few calls of the C library that Java has no name for. Pointers and {@code size_t} are Java longs: the drivers run
 * on 64-bit machines only. Public only because of jnr-ffi's generated code.
 */
@SuppressWarnings("checkstyle:MethodName") // the names are C's
public interface LibC {
    int umount2(long target, int flags);

    int statfs(long path, long buffer);

    int mount(long source, long target, long type, long flags, long data);

    @IgnoreError
    int geteuid();

    @IgnoreError
    int getuid();

    @IgnoreError
    int getgid();

    @IgnoreError
    int poll(long descriptors, long count, int timeoutMillis);

    int open(long path, int flags);

    @IgnoreError
    int close(int descriptor);

    long read(int descriptor, long buffer, long size);

    long write(int descriptor, long buffer, long size);

    int ioctl(int descriptor, long request, long argument);

    int fcntl(int descriptor, int command, int argument);

    int socketpair(int domain, int type, int protocol, long descriptors);

    int socket(int domain, int type, int protocol);

    int bind(int descriptor, long address, int length);

    int listen(int descriptor, int backlog);

    int accept(int descriptor, long address, long length);

    int connect(int descriptor, long address, int length);

    int getsockopt(int descriptor, int level, int name, long value, long length);

    long sendmsg(int descriptor, long message, int flags);

    long recvmsg(int descriptor, long message, int flags);

    /**
     * @param unused 0: jffi 1.4.3 loses the last of exactly six arguments, and C does not see a seventh
     * @return 0 or an errno
     */
    @IgnoreError
    int posix_spawn(long pid, long path, long fileActions, long attributes, long argv, long environment, long unused);

    int waitpid(int pid, long status, int options);
}
