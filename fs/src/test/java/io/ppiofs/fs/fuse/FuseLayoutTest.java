package io.ppiofs.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import jnr.ffi.Runtime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The numbers in {@link FuseLayout} and {@link LowLevelOp} against the C compiler's, where it and the headers are. */
class FuseLayoutTest {
    private static final Path HEADER = Path.of("/usr/include/fuse/fuse_lowlevel.h");

    private final FuseLayout layout = new FuseLayout(Runtime.getSystemRuntime());

    @TempDir
    Path work;

    /** What x86-64 Linux has, for machines without a compiler. */
    @Test
    void knowsTheLayoutOfX86() {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the figures are those of x86-64");
        assertThat(layout.statSize).isEqualTo(144);
        assertThat(layout.mode).isEqualTo(new FuseLayout.Field(24, 4));
        assertThat(layout.nlink).isEqualTo(new FuseLayout.Field(16, 8));
        assertThat(layout.size).isEqualTo(new FuseLayout.Field(48, 8));
        assertThat(layout.mtimeSeconds).isEqualTo(new FuseLayout.Field(88, 8));
        assertThat(layout.entryAttrTimeout).isEqualTo(160);
        assertThat(layout.entrySize).isEqualTo(176);
        assertThat(layout.vfsNameMax).isEqualTo(new FuseLayout.Field(80, 8));
        assertThat(LowLevelOp.TABLE_SIZE).isEqualTo(328);
    }

    @Test
    void agreesWithTheHeader() throws Exception {
        assumeTrue(Files.exists(HEADER), "libfuse-dev is not installed");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "gcc is not installed");
        Map<String, Long> ours = ours();
        Path source = work.resolve("layout.c");
        Files.writeString(source, program(ours));
        run("/usr/bin/gcc", "-I/usr/include/fuse", "-o", work.resolve("layout").toString(), source.toString());
        String output = run(work.resolve("layout").toString());
        Map<String, Long> header = new LinkedHashMap<>();
        output.lines().forEach(l -> header.put(l.split(" ")[0], Long.parseLong(l.split(" ")[1])));
        assertThat(header).containsExactlyInAnyOrderEntriesOf(ours);
    }

    /** C expression to our number. */
    private Map<String, Long> ours() {
        Map<String, Long> m = new LinkedHashMap<>();
        for (LowLevelOp op : LowLevelOp.values()) {
            m.put("offsetof(struct_fuse_lowlevel_ops," + op.member() + ")", (long) op.offset());
        }
        m.put("sizeof(struct_fuse_lowlevel_ops)", (long) LowLevelOp.TABLE_SIZE);
        field(m, "stat", "st_ino", layout.ino);
        field(m, "stat", "st_mode", layout.mode);
        field(m, "stat", "st_nlink", layout.nlink);
        field(m, "stat", "st_uid", layout.uid);
        field(m, "stat", "st_gid", layout.gid);
        field(m, "stat", "st_rdev", layout.rdev);
        field(m, "stat", "st_size", layout.size);
        field(m, "stat", "st_blksize", layout.blockSize);
        field(m, "stat", "st_blocks", layout.blocks);
        field(m, "stat", "st_atim.tv_sec", layout.atimeSeconds);
        field(m, "stat", "st_atim.tv_nsec", layout.atimeNanos);
        field(m, "stat", "st_mtim.tv_sec", layout.mtimeSeconds);
        field(m, "stat", "st_mtim.tv_nsec", layout.mtimeNanos);
        field(m, "stat", "st_ctim.tv_sec", layout.ctimeSeconds);
        field(m, "stat", "st_ctim.tv_nsec", layout.ctimeNanos);
        m.put("sizeof(struct_stat)", (long) layout.statSize);
        field(m, "statvfs", "f_bsize", layout.vfsBlockSize);
        field(m, "statvfs", "f_frsize", layout.vfsFragmentSize);
        field(m, "statvfs", "f_blocks", layout.vfsBlocks);
        field(m, "statvfs", "f_bfree", layout.vfsFree);
        field(m, "statvfs", "f_bavail", layout.vfsAvailable);
        field(m, "statvfs", "f_files", layout.vfsFiles);
        field(m, "statvfs", "f_ffree", layout.vfsFilesFree);
        field(m, "statvfs", "f_favail", layout.vfsFilesAvailable);
        field(m, "statvfs", "f_namemax", layout.vfsNameMax);
        offset(m, "fuse_entry_param", "ino", FuseLayout.ENTRY_INO);
        offset(m, "fuse_entry_param", "generation", FuseLayout.ENTRY_GENERATION);
        offset(m, "fuse_entry_param", "attr", FuseLayout.ENTRY_ATTR);
        offset(m, "fuse_entry_param", "attr_timeout", layout.entryAttrTimeout);
        offset(m, "fuse_entry_param", "entry_timeout", layout.entryTimeout);
        m.put("sizeof(struct_fuse_entry_param)", (long) layout.entrySize);
        offset(m, "fuse_file_info", "flags", FuseLayout.FILE_FLAGS);
        offset(m, "fuse_file_info", "fh", FuseLayout.FILE_FH);
        m.put("sizeof(struct_fuse_file_info)", (long) FuseLayout.FILE_SIZE);
        m.put("keep_cache_bit()", (long) FuseLayout.FILE_KEEP_CACHE);
        offset(m, "fuse_ctx", "uid", FuseLayout.CTX_UID);
        offset(m, "fuse_ctx", "gid", FuseLayout.CTX_GID);
        offset(m, "fuse_ctx", "pid", FuseLayout.CTX_PID);
        offset(m, "fuse_forget_data", "ino", FuseLayout.FORGET_INO);
        offset(m, "fuse_forget_data", "nlookup", FuseLayout.FORGET_COUNT);
        m.put("sizeof(struct_fuse_forget_data)", (long) FuseLayout.FORGET_SIZE);
        offset(m, "fuse_conn_info", "proto_minor", FuseLayout.CONN_MINOR);
        offset(m, "fuse_args", "argv", FuseLayout.ARGS_ARGV);
        m.put("sizeof(struct_fuse_args)", (long) FuseLayout.ARGS_SIZE);
        return m;
    }

    private static void field(Map<String, Long> m, String struct, String member, FuseLayout.Field f) {
        offset(m, struct, member, f.offset());
        m.put("sizeof(((struct_" + struct + "*)0)->" + member + ")", (long) f.width());
    }

    private static void offset(Map<String, Long> m, String struct, String member, int offset) {
        m.put("offsetof(struct_" + struct + "," + member + ")", (long) offset);
    }

    private static String program(Map<String, Long> expressions) {
        StringBuilder c = new StringBuilder();
        c.append("#define FUSE_USE_VERSION 29\n#define _FILE_OFFSET_BITS 64\n#include <fuse_lowlevel.h>\n")
                .append("#include <fuse_opt.h>\n#include <stddef.h>\n#include <stdio.h>\n#include <string.h>\n")
                .append("static long keep_cache_bit(void) { struct fuse_file_info f; int v;\n")
                .append("  memset(&f, 0, sizeof f); f.keep_cache = 1; memcpy(&v, (char*) &f + ")
                .append(FuseLayout.FILE_BITS)
                .append(", 4); return v; }\nint main(void) {\n");
        for (String e : expressions.keySet()) {
            c.append("  printf(\"%s %ld\\n\", \"")
                    .append(e)
                    .append("\", (long) ")
                    .append(e.replace("struct_", "struct "))
                    .append(");\n");
        }
        return c.append("  return 0;\n}\n").toString();
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(p.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(p.exitValue()).as(output).isZero();
        return output;
    }
}
