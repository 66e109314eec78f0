package io.ppiofs.fs.testing;

/** System calls as the C library has them, for {@link PosixSystem}. Public only because of jnr-ffi's generated code. */
public interface PosixCalls {
    long syscall(long number, long a, long b);

    int open(String path, int flags, int mode);

    int close(int fd);

    int mkdir(String path, int mode);

    int mknod(String path, int mode, long device);

    int symlink(String target, String path);

    int link(String from, String to);

    int rename(String from, String to);

    int unlink(String path);

    int rmdir(String path);

    int truncate(String path, long size);

    int ftruncate(int fd, long size);

    int chmod(String path, int mode);

    int fchmod(int fd, int mode);

    int chown(String path, int uid, int gid);

    int lchown(String path, int uid, int gid);

    int fchown(int fd, int uid, int gid);

    int utimensat(int directory, String path, long times, int flags);

    int stat(String path, long buffer);

    int lstat(String path, long buffer);

    int fstat(int fd, long buffer);

    long readlink(String path, long buffer, long size);

    long pread(int fd, long buffer, long size, long offset);

    long read(int fd, long buffer, long size);

    long pwrite(int fd, long buffer, long size, long offset);

    long write(int fd, long buffer, long size);

    long lseek(int fd, long offset, int whence);

    int fsync(int fd);

    int ioctl(int fd, long request, long argument);

    int fallocate(int fd, int mode, long offset, long length);

    int setxattr(String path, String name, long value, long size, int flags);

    long getxattr(String path, String name, long value, long size);

    long listxattr(String path, long list, long size);

    int removexattr(String path, String name);

    int statvfs(String path, long buffer);

    int umask(int mask);

    int renameat2(int fromDirectory, String from, int toDirectory, String to, int flags);

    int linkat(int fromDirectory, String from, int toDirectory, String to, int flags);

    /** With one argument too many, which C does not see: jffi 1.4.3 loses the last of exactly six. */
    long copy_file_range(int from, long fromOffset, int to, long toOffset, long length, int flags, int unused);

    /** As {@link #copy_file_range}. */
    long mmap(long address, long length, int protection, int flags, int fd, long offset, int unused);

    int msync(long address, long length, int flags);

    int munmap(long address, long length);
}
