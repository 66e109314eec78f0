package io.ppiofs.fs.fuse.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our numbers are those of this machine's linux/fuse.h, by a C program that prints them. */
class WireTest {
    private static final Path HEADER = Path.of("/usr/include/linux/fuse.h");
    private static final Path COMPILER = Path.of("/usr/bin/gcc");

    @TempDir
    Path work;

    private final Map<String, Long> expected = new LinkedHashMap<>();

    private void is(String expression, long ours) {
        expected.put(expression, ours);
    }

    private void in(String struct, String field, int ours) {
        is("offsetof(struct " + struct + ", " + field + ") + sizeof(struct fuse_in_header)", ours);
    }

    private void out(String struct, String field, int ours) {
        is("offsetof(struct " + struct + ", " + field + ")", ours);
    }

    private void size(String struct, int ours) {
        is("sizeof(struct " + struct + ")", ours);
    }

    @Test
    void agreesWithTheHeader() throws Exception {
        assumeTrue(Files.exists(HEADER) && Files.isExecutable(COMPILER), "no C compiler or no linux/fuse.h");
        headers();
        requests();
        answers();
        flags();
        Map<String, Long> found = printed();
        assertThat(found).containsAllEntriesOf(expected).hasSizeGreaterThan(150);
    }

    /** Numbers of requests are checked where this machine's header is new enough to name them. */
    @Test
    void knowsTheRequestsOfTheHeader() throws Exception {
        assumeTrue(Files.exists(HEADER) && Files.isExecutable(COMPILER), "no C compiler or no linux/fuse.h");
        String header = Files.readString(HEADER, StandardCharsets.US_ASCII);
        for (Opcode o : Opcode.values()) {
            if (header.contains("FUSE_" + o + "\t")) {
                is("FUSE_" + o, o.number());
            }
        }
        assertThat(printed()).containsAllEntriesOf(expected).hasSizeGreaterThan(40);
    }

    private void headers() {
        size("fuse_in_header", Wire.IN_HEADER);
        out("fuse_in_header", "len", Wire.IN_LENGTH);
        out("fuse_in_header", "opcode", Wire.IN_OPCODE);
        out("fuse_in_header", "unique", Wire.IN_UNIQUE);
        out("fuse_in_header", "nodeid", Wire.IN_NODE);
        out("fuse_in_header", "uid", Wire.IN_UID);
        out("fuse_in_header", "gid", Wire.IN_GID);
        out("fuse_in_header", "pid", Wire.IN_PID);
        out("fuse_in_header", "total_extlen", Wire.IN_EXTENSIONS);
        size("fuse_ext_header", Wire.EXT_HEADER);
        size("fuse_secctx_header", Wire.EXT_HEADER);
        size("fuse_secctx", Wire.SECURITY_CONTEXT);
        size("fuse_out_header", Wire.OUT_HEADER);
        out("fuse_out_header", "len", Wire.OUT_LENGTH);
        out("fuse_out_header", "error", Wire.OUT_ERROR);
        out("fuse_out_header", "unique", Wire.OUT_UNIQUE);
    }

    private void requests() {
        in("fuse_init_in", "major", Wire.INIT_MAJOR);
        in("fuse_init_in", "minor", Wire.INIT_MINOR);
        in("fuse_init_in", "max_readahead", Wire.INIT_MAX_READAHEAD);
        in("fuse_init_in", "flags", Wire.INIT_FLAGS);
        in("fuse_init_in", "flags2", Wire.INIT_FLAGS2);
        in("fuse_forget_in", "nlookup", Wire.FORGET_COUNT);
        in("fuse_batch_forget_in", "count", Wire.BATCH_COUNT);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in)", Wire.BATCH_FIRST);
        size("fuse_forget_one", Wire.FORGET_ONE);
        out("fuse_forget_one", "nlookup", Wire.FORGET_ONE_COUNT);
        in("fuse_setattr_in", "valid", Wire.SETATTR_VALID);
        in("fuse_setattr_in", "size", Wire.SETATTR_SIZE);
        in("fuse_setattr_in", "atime", Wire.SETATTR_ATIME);
        in("fuse_setattr_in", "mtime", Wire.SETATTR_MTIME);
        in("fuse_setattr_in", "ctime", Wire.SETATTR_CTIME);
        in("fuse_setattr_in", "atimensec", Wire.SETATTR_ATIME_NANOS);
        in("fuse_setattr_in", "mtimensec", Wire.SETATTR_MTIME_NANOS);
        in("fuse_setattr_in", "ctimensec", Wire.SETATTR_CTIME_NANOS);
        in("fuse_setattr_in", "mode", Wire.SETATTR_MODE);
        in("fuse_setattr_in", "uid", Wire.SETATTR_UID);
        in("fuse_setattr_in", "gid", Wire.SETATTR_GID);
        in("fuse_mknod_in", "mode", Wire.MKNOD_MODE);
        in("fuse_mknod_in", "rdev", Wire.MKNOD_RDEV);
        in("fuse_mknod_in", "umask", Wire.MKNOD_UMASK);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_mknod_in)", Wire.MKNOD_NAME);
        in("fuse_mkdir_in", "mode", Wire.MKDIR_MODE);
        in("fuse_mkdir_in", "umask", Wire.MKDIR_UMASK);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_mkdir_in)", Wire.MKDIR_NAME);
        in("fuse_rename_in", "newdir", Wire.RENAME_DIRECTORY);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_rename_in)", Wire.RENAME_NAMES);
        in("fuse_rename2_in", "flags", Wire.RENAME2_FLAGS);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_rename2_in)", Wire.RENAME2_NAMES);
        in("fuse_link_in", "oldnodeid", Wire.LINK_NODE);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_link_in)", Wire.LINK_NAME);
        in("fuse_open_in", "flags", Wire.OPEN_IN_FLAGS);
        in("fuse_open_in", "open_flags", Wire.OPEN_IN_OPEN_FLAGS);
        in("fuse_create_in", "flags", Wire.CREATE_FLAGS);
        in("fuse_create_in", "mode", Wire.CREATE_MODE);
        in("fuse_create_in", "umask", Wire.CREATE_UMASK);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_create_in)", Wire.CREATE_NAME);
        handles();
        in("fuse_read_in", "offset", Wire.READ_OFFSET);
        in("fuse_read_in", "size", Wire.READ_SIZE);
        in("fuse_fsync_in", "fsync_flags", Wire.FSYNC_FLAGS);
        size("fuse_write_in", Wire.WRITE_IN);
        in("fuse_write_in", "offset", Wire.WRITE_OFFSET);
        in("fuse_write_in", "size", Wire.WRITE_SIZE);
        in("fuse_write_in", "write_flags", Wire.WRITE_FLAGS);
        in("fuse_setxattr_in", "size", Wire.SETXATTR_SIZE);
        in("fuse_setxattr_in", "flags", Wire.SETXATTR_FLAGS);
        in("fuse_setxattr_in", "setxattr_flags", Wire.SETXATTR_EXT_FLAGS);
        is("sizeof(struct fuse_in_header) + FUSE_COMPAT_SETXATTR_IN_SIZE", Wire.SETXATTR_NAME);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_setxattr_in)", Wire.SETXATTR_EXT_NAME);
        in("fuse_getxattr_in", "size", Wire.GETXATTR_SIZE);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_getxattr_in)", Wire.GETXATTR_NAME);
        in("fuse_fallocate_in", "offset", Wire.FALLOCATE_OFFSET);
        in("fuse_fallocate_in", "length", Wire.FALLOCATE_LENGTH);
        in("fuse_fallocate_in", "mode", Wire.FALLOCATE_MODE);
        in("fuse_lseek_in", "offset", Wire.LSEEK_OFFSET);
        in("fuse_lseek_in", "whence", Wire.LSEEK_WHENCE);
        in("fuse_copy_file_range_in", "off_in", Wire.COPY_FROM_OFFSET);
        in("fuse_copy_file_range_in", "nodeid_out", Wire.COPY_TO_NODE);
        in("fuse_copy_file_range_in", "fh_out", Wire.COPY_TO_HANDLE);
        in("fuse_copy_file_range_in", "off_out", Wire.COPY_TO_OFFSET);
        in("fuse_copy_file_range_in", "len", Wire.COPY_LENGTH);
        in("fuse_copy_file_range_in", "flags", Wire.COPY_FLAGS);
        in("fuse_ioctl_in", "cmd", Wire.IOCTL_COMMAND);
        in("fuse_ioctl_in", "in_size", Wire.IOCTL_IN_SIZE);
        in("fuse_ioctl_in", "out_size", Wire.IOCTL_OUT_SIZE);
        is("sizeof(struct fuse_in_header) + sizeof(struct fuse_ioctl_in)", Wire.IOCTL_DATA);
    }

    private void handles() {
        for (String s : new String[] {
            "fuse_read_in",
            "fuse_write_in",
            "fuse_release_in",
            "fuse_flush_in",
            "fuse_fsync_in",
            "fuse_fallocate_in",
            "fuse_lseek_in",
            "fuse_ioctl_in"
        }) {
            in(s, "fh", Wire.HANDLE);
        }
        in("fuse_copy_file_range_in", "fh_in", Wire.HANDLE);
    }

    private void answers() {
        size("fuse_init_out", Wire.INIT_OUT);
        out("fuse_init_out", "major", Wire.INIT_OUT_MAJOR);
        out("fuse_init_out", "minor", Wire.INIT_OUT_MINOR);
        out("fuse_init_out", "max_readahead", Wire.INIT_OUT_MAX_READAHEAD);
        out("fuse_init_out", "flags", Wire.INIT_OUT_FLAGS);
        out("fuse_init_out", "max_background", Wire.INIT_OUT_MAX_BACKGROUND);
        out("fuse_init_out", "congestion_threshold", Wire.INIT_OUT_CONGESTION);
        out("fuse_init_out", "max_write", Wire.INIT_OUT_MAX_WRITE);
        out("fuse_init_out", "time_gran", Wire.INIT_OUT_TIME_GRANULARITY);
        out("fuse_init_out", "max_pages", Wire.INIT_OUT_MAX_PAGES);
        out("fuse_init_out", "flags2", Wire.INIT_OUT_FLAGS2);
        attributes();
        size("fuse_attr_out", Wire.ATTR_OUT);
        out("fuse_attr_out", "attr_valid", Wire.ATTR_OUT_VALID);
        out("fuse_attr_out", "attr_valid_nsec", Wire.ATTR_OUT_VALID_NANOS);
        out("fuse_attr_out", "attr", Wire.ATTR_OUT_ATTR);
        size("fuse_entry_out", Wire.ENTRY_OUT);
        out("fuse_entry_out", "nodeid", Wire.ENTRY_NODE);
        out("fuse_entry_out", "generation", Wire.ENTRY_GENERATION);
        out("fuse_entry_out", "entry_valid", Wire.ENTRY_VALID);
        out("fuse_entry_out", "attr_valid", Wire.ENTRY_ATTR_VALID);
        out("fuse_entry_out", "entry_valid_nsec", Wire.ENTRY_VALID_NANOS);
        out("fuse_entry_out", "attr_valid_nsec", Wire.ENTRY_ATTR_VALID_NANOS);
        out("fuse_entry_out", "attr", Wire.ENTRY_ATTR);
        size("fuse_open_out", Wire.OPEN_OUT);
        out("fuse_open_out", "fh", Wire.OPEN_HANDLE);
        out("fuse_open_out", "open_flags", Wire.OPEN_FLAGS);
        size("fuse_write_out", Wire.WRITE_OUT);
        size("fuse_getxattr_out", Wire.GETXATTR_OUT);
        size("fuse_lseek_out", Wire.LSEEK_OUT);
        size("fuse_ioctl_out", Wire.IOCTL_OUT);
        size("fuse_statfs_out", Wire.STATFS_OUT);
        out("fuse_kstatfs", "blocks", Wire.STATFS_BLOCKS);
        out("fuse_kstatfs", "bfree", Wire.STATFS_FREE);
        out("fuse_kstatfs", "bavail", Wire.STATFS_AVAILABLE);
        out("fuse_kstatfs", "files", Wire.STATFS_FILES);
        out("fuse_kstatfs", "ffree", Wire.STATFS_FILES_FREE);
        out("fuse_kstatfs", "bsize", Wire.STATFS_BLOCK_SIZE);
        out("fuse_kstatfs", "namelen", Wire.STATFS_NAME_MAX);
        out("fuse_kstatfs", "frsize", Wire.STATFS_FRAGMENT);
        out("fuse_dirent", "ino", Wire.DIRENT_INO);
        out("fuse_dirent", "off", Wire.DIRENT_COOKIE);
        out("fuse_dirent", "namelen", Wire.DIRENT_NAME_LENGTH);
        out("fuse_dirent", "type", Wire.DIRENT_TYPE);
        out("fuse_dirent", "name", Wire.DIRENT_NAME);
        out("fuse_direntplus", "dirent", Wire.ENTRY_OUT);
        size("fuse_notify_inval_inode_out", Wire.NOTIFY_INVAL_INODE_OUT);
        size("fuse_notify_inval_entry_out", Wire.NOTIFY_INVAL_ENTRY_OUT);
    }

    private void attributes() {
        size("fuse_attr", Wire.ATTR);
        out("fuse_attr", "ino", Wire.ATTR_INO);
        out("fuse_attr", "size", Wire.ATTR_SIZE);
        out("fuse_attr", "blocks", Wire.ATTR_BLOCKS);
        out("fuse_attr", "atime", Wire.ATTR_ATIME);
        out("fuse_attr", "mtime", Wire.ATTR_MTIME);
        out("fuse_attr", "ctime", Wire.ATTR_CTIME);
        out("fuse_attr", "atimensec", Wire.ATTR_ATIME_NANOS);
        out("fuse_attr", "mtimensec", Wire.ATTR_MTIME_NANOS);
        out("fuse_attr", "ctimensec", Wire.ATTR_CTIME_NANOS);
        out("fuse_attr", "mode", Wire.ATTR_MODE);
        out("fuse_attr", "nlink", Wire.ATTR_NLINK);
        out("fuse_attr", "uid", Wire.ATTR_UID);
        out("fuse_attr", "gid", Wire.ATTR_GID);
        out("fuse_attr", "rdev", Wire.ATTR_RDEV);
        out("fuse_attr", "blksize", Wire.ATTR_BLOCK_SIZE);
        out("fuse_attr", "flags", Wire.ATTR_FLAGS);
    }

    private void flags() {
        is("FUSE_KERNEL_VERSION", Wire.MAJOR);
        is("FUSE_ASYNC_READ", Wire.ASYNC_READ);
        is("FUSE_ATOMIC_O_TRUNC", Wire.ATOMIC_O_TRUNC);
        is("FUSE_EXPORT_SUPPORT", Wire.EXPORT_SUPPORT);
        is("FUSE_BIG_WRITES", Wire.BIG_WRITES);
        is("FUSE_DONT_MASK", Wire.DONT_MASK);
        is("FUSE_AUTO_INVAL_DATA", Wire.AUTO_INVAL_DATA);
        is("FUSE_DO_READDIRPLUS", Wire.DO_READDIRPLUS);
        is("FUSE_READDIRPLUS_AUTO", Wire.READDIRPLUS_AUTO);
        is("FUSE_ASYNC_DIO", Wire.ASYNC_DIO);
        is("FUSE_WRITEBACK_CACHE", Wire.WRITEBACK_CACHE);
        is("FUSE_PARALLEL_DIROPS", Wire.PARALLEL_DIROPS);
        is("FUSE_POSIX_ACL", Wire.POSIX_ACL);
        is("FUSE_ABORT_ERROR", Wire.ABORT_ERROR);
        is("FUSE_MAX_PAGES", Wire.MAX_PAGES);
        is("FUSE_CACHE_SYMLINKS", Wire.CACHE_SYMLINKS);
        is("FUSE_HANDLE_KILLPRIV_V2", Wire.HANDLE_KILLPRIV_V2);
        is("FUSE_SETXATTR_EXT", Wire.SETXATTR_EXT);
        is("FUSE_INIT_EXT", Wire.INIT_EXT);
        is("FUSE_SECURITY_CTX", Wire.SECURITY_CTX);
        is("FUSE_MAX_NR_SECCTX", Wire.EXT_MAX_SECURITY_CONTEXTS);
        is("FATTR_MODE", Wire.FATTR_MODE);
        is("FATTR_UID", Wire.FATTR_UID);
        is("FATTR_GID", Wire.FATTR_GID);
        is("FATTR_SIZE", Wire.FATTR_SIZE);
        is("FATTR_ATIME", Wire.FATTR_ATIME);
        is("FATTR_MTIME", Wire.FATTR_MTIME);
        is("FATTR_ATIME_NOW", Wire.FATTR_ATIME_NOW);
        is("FATTR_MTIME_NOW", Wire.FATTR_MTIME_NOW);
        is("FATTR_CTIME", Wire.FATTR_CTIME);
        is("FATTR_KILL_SUIDGID", Wire.FATTR_KILL_SUIDGID);
        is("FOPEN_DIRECT_IO", Wire.FOPEN_DIRECT_IO);
        is("FOPEN_KEEP_CACHE", Wire.FOPEN_KEEP_CACHE);
        is("FUSE_OPEN_KILL_SUIDGID", Wire.OPEN_KILL_SUIDGID);
        is("FUSE_WRITE_CACHE", Wire.WRITE_CACHE);
        is("FUSE_WRITE_KILL_SUIDGID", Wire.WRITE_KILL_SUIDGID);
        is("FUSE_FSYNC_FDATASYNC", Wire.FSYNC_DATA_ONLY);
        is("FUSE_SETXATTR_ACL_KILL_SGID", Wire.SETXATTR_ACL_KILL_SGID);
        is("FUSE_NOTIFY_INVAL_INODE", Wire.NOTIFY_INVAL_INODE);
        is("FUSE_NOTIFY_INVAL_ENTRY", Wire.NOTIFY_INVAL_ENTRY);
        is("FUSE_DEV_IOC_CLONE", Wire.DEV_IOC_CLONE);
        is("(int) FS_IOC_GETFLAGS", Wire.FS_IOC_GETFLAGS);
        is("(int) FS_IOC_SETFLAGS", Wire.FS_IOC_SETFLAGS);
        is("(int) FS_IOC_FSGETXATTR", Wire.FS_IOC_FSGETXATTR);
    }

    private Map<String, Long> printed() throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder("""
                #include <stddef.h>
                #include <stdio.h>
                #include <sys/ioctl.h>
                #include <linux/fs.h>
                #include <linux/fuse.h>
                int main(void) {
                """);
        expected.keySet()
                .forEach(e -> source.append("printf(\"%lld\\n\", (long long) (")
                        .append(e)
                        .append("));\n"));
        source.append("return 0; }\n");
        Path c = Files.writeString(work.resolve("wire.c"), source);
        run(COMPILER.toString(), "-o", work.resolve("wire").toString(), c.toString());
        String[] lines = run(work.resolve("wire").toString()).split("\n");
        Map<String, Long> found = new LinkedHashMap<>();
        int i = 0;
        for (String e : expected.keySet()) {
            found.put(e, Long.parseLong(lines[i++]));
        }
        return found;
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(p.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(p.exitValue()).as(output).isZero();
        return output;
    }
}
