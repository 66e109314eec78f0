/*
 * Executes one file operation per line of stdin inside a chroot and answers with one line:
 * "= value" on success, "! ERRNO" on failure. Strings are percent-encoded, "%-" is the empty string.
 * Exists because a test needs the raw errno of the raw system call, under the credentials it names.
 *
 * usage: opexec ROOT UID GID [GROUP...]
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SLOTS 16
#define MAX_DATA (4 << 20)
#define MAX_TOKENS 16
#define CELL 64
/* a time before this was set by utimens, a later one by the clock: the only thing two file systems can agree on */
#define CLOCK_EPOCH 1500000000LL

static int slots[SLOTS];
static unsigned char *data;
static char *tokens[MAX_TOKENS];
static int ntokens;

static void fail(void) { printf("! %s\n", strerrorname_np(errno)); }

static void answer(long long result) {
    if (result < 0) fail();
    else printf("= %lld\n", result);
}

static void done(int result) {
    if (result < 0) fail();
    else printf("=\n");
}

static void decode(char *s) {
    char *out = s;
    if (!strcmp(s, "%-")) { *s = 0; return; }
    while (*s) {
        if (*s == '%' && s[1] && s[2]) {
            char hex[3] = {s[1], s[2], 0};
            *out++ = (char) strtol(hex, NULL, 16);
            s += 3;
        } else *out++ = *s++;
    }
    *out = 0;
}

static void encode(const char *s, size_t length) {
    if (length == 0) fputs("%-", stdout);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char) s[i];
        if (c <= ' ' || c >= 127 || c == '%' || c == ',' || c == ':') printf("%%%02x", c);
        else putchar(c);
    }
}

static const char *text(int i) { return i < ntokens ? tokens[i] : ""; }
static long long number(int i) { return i < ntokens ? strtoll(tokens[i], NULL, 0) : 0; }

static int *slot(int i) { return &slots[(unsigned long long) number(i) % SLOTS]; }

static uint64_t hash(const unsigned char *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3ULL;
    return h;
}

static void fill(unsigned char *p, size_t n, uint64_t seed) {
    uint64_t x = seed * 0x9e3779b97f4a7c15ULL + 1;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13; x ^= x >> 7; x ^= x << 17;
        p[i] = (unsigned char) (x >> 32);
    }
}

static size_t length(int i) {
    long long n = number(i);
    return n < 0 ? 0 : n > MAX_DATA ? MAX_DATA : (size_t) n;
}

static void print_stat(int result, const struct stat *s) {
    if (result < 0) { fail(); return; }
    printf("= %o %lu %u %u ", s->st_mode, (unsigned long) s->st_nlink, s->st_uid, s->st_gid);
    if (S_ISDIR(s->st_mode)) printf("- ");
    else printf("%lld ", (long long) s->st_size);
    if (S_ISCHR(s->st_mode) || S_ISBLK(s->st_mode)) printf("%u:%u ", major(s->st_rdev), minor(s->st_rdev));
    /* the kernel itself dates a write to a pipe, and on FUSE it does not */
    if (S_ISFIFO(s->st_mode)) printf("-\n");
    else if (s->st_mtim.tv_sec < CLOCK_EPOCH) printf("%lld.%09ld\n", (long long) s->st_mtim.tv_sec, s->st_mtim.tv_nsec);
    else printf("clock\n");
}

static int compare_strings(const void *a, const void *b) { return strcmp(*(char *const *) a, *(char *const *) b); }

/* From a place in the middle the same names follow as before: checked here, since each file system has its own order. */
static int continues_wrongly(DIR *d, size_t count) {
    char following[256] = "";
    struct dirent *e;
    rewinddir(d);
    for (size_t i = 0; i < count / 2; i++) if (!readdir(d)) return 1;
    long place = telldir(d);
    if ((e = readdir(d))) strcpy(following, e->d_name);
    while (readdir(d)) { }
    seekdir(d, place);
    e = readdir(d);
    return count > 0 && (!e || strcmp(following, e->d_name));
}

static void list(const char *path) {
    DIR *d = opendir(path);
    if (!d) { fail(); return; }
    char **names = NULL;
    size_t count = 0, room = 0;
    struct dirent *e;
    errno = 0;
    while ((e = readdir(d))) {
        if (count == room) names = realloc(names, (room = room ? room * 2 : 64) * sizeof *names);
        char *entry = NULL;
        if (asprintf(&entry, "%d %s", e->d_type, e->d_name) < 0) abort();
        names[count++] = entry;
    }
    int error = errno;
    int lost = error ? 0 : continues_wrongly(d, count);
    closedir(d);
    if (error) { errno = error; fail(); }
    else if (lost) printf("! seekdir\n");
    else {
        qsort(names, count, sizeof *names, compare_strings);
        printf("=");
        for (size_t i = 0; i < count; i++) {
            putchar(' ');
            char *name = strchr(names[i], ' ') + 1;
            printf("%d:", atoi(names[i]));
            encode(name, strlen(name));
        }
        printf("\n");
    }
    for (size_t i = 0; i < count; i++) free(names[i]);
    free(names);
}

static void list_attributes(const char *path) {
    static char buffer[65536];
    ssize_t n = llistxattr(path, buffer, sizeof buffer);
    if (n < 0) { fail(); return; }
    char *names[4096];
    size_t count = 0;
    for (ssize_t i = 0; i < n && count < 4096; i += (ssize_t) strlen(buffer + i) + 1) {
        /* what the machine's security module adds is not ours to compare */
        if (strncmp(buffer + i, "security.", 9)) names[count++] = buffer + i;
    }
    qsort(names, count, sizeof *names, compare_strings);
    printf("=");
    for (size_t i = 0; i < count; i++) { putchar(' '); encode(names[i], strlen(names[i])); }
    printf("\n");
}

static void get_attribute(ssize_t n) {
    if (n < 0) { fail(); return; }
    printf("= %zd %016llx\n", n, (unsigned long long) hash(data, (size_t) n));
}

static struct timespec when(int i) {
    struct timespec t = {.tv_sec = number(i), .tv_nsec = 0};
    if (!strcmp(text(i + 1), "now")) t.tv_nsec = UTIME_NOW;
    else if (!strcmp(text(i + 1), "omit")) t.tv_nsec = UTIME_OMIT;
    else t.tv_nsec = (long) number(i + 1);
    return t;
}

/* Through a mapping, never behind the end: SIGBUS is the exerciser's business, not ours. */
static void map_access(int fd, long long offset, size_t n, int writing, uint64_t seed) {
    struct stat s;
    if (fstat(fd, &s) < 0) { fail(); return; }
    if (!S_ISREG(s.st_mode) || offset >= s.st_size) { printf("= 0\n"); return; }
    if (offset + (long long) n > s.st_size) n = (size_t) (s.st_size - offset);
    if (n == 0) { printf("= 0\n"); return; }
    long long start = offset & ~4095LL;
    size_t whole = n + (size_t) (offset - start);
    unsigned char *p = mmap(NULL, whole, writing ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, start);
    if (p == MAP_FAILED) { fail(); return; }
    if (writing) {
        fill(p + (offset - start), n, seed);
        int r = msync(p, whole, MS_SYNC);
        munmap(p, whole);
        if (r < 0) fail();
        else printf("= %zu\n", n);
    } else {
        uint64_t h = hash(p + (offset - start), n);
        munmap(p, whole);
        printf("= %zu %016llx\n", n, (unsigned long long) h);
    }
}

/* Every 64 bytes say which file, which write and which place they belong to, with a check sum. */
static void cells(int fd, uint64_t file, uint64_t version, uint64_t first, uint64_t count) {
    if (count * CELL > MAX_DATA) { errno = E2BIG; fail(); return; }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t *w = (uint64_t *) (data + i * CELL);
        w[0] = 0x6c6c656373666970ULL; /* "pifscell" */
        w[1] = file;
        w[2] = version;
        w[3] = first + i;
        fill((unsigned char *) (w + 4), 24, file * 31 + version * 17 + first + i);
        w[7] = hash((unsigned char *) w, 56);
    }
    size_t n = count * CELL, at = 0;
    while (at < n) {
        ssize_t r = pwrite(fd, data + at, n - at, (off_t) (first * CELL + at));
        if (r < 0) { fail(); return; }
        at += (size_t) r;
    }
    printf("= %zu\n", n);
}

static void copy_range(int from, long long in, int to, long long out, size_t n) {
    size_t total = 0;
    loff_t i = in, o = out;
    while (total < n) {
        ssize_t r = copy_file_range(from, &i, to, &o, n - total, 0);
        if (r < 0) { fail(); return; }
        if (r == 0) break;
        total += (size_t) r;
    }
    printf("= %zu\n", total);
}

/* "u:1001:6,g::4": user, group, mask, other; as posix_acl_xattr.h has it */
static void set_acl(const char *path, const char *type, char *entries) {
    unsigned char value[4 + 8 * 16] = {2};
    size_t n = 4;
    for (char *e = strtok(entries, ","); e && n < sizeof value; e = strtok(NULL, ",")) {
        char *id = strchr(e, ':') + 1, *mode = strchr(id, ':') + 1;
        int named = *id != ':';
        uint16_t tag = *e == 'u' ? (named ? 2 : 1) : *e == 'g' ? (named ? 8 : 4) : *e == 'm' ? 0x10 : 0x20;
        uint16_t bits = (uint16_t) atoi(mode);
        uint32_t who = named ? (uint32_t) atoi(id) : 0xffffffffu;
        memcpy(value + n, &tag, 2);
        memcpy(value + n + 2, &bits, 2);
        memcpy(value + n + 4, &who, 4);
        n += 8;
    }
    done(setxattr(path, type, value, n, 0));
}

/* three pieces, of which one is empty */
static void vector(int fd, long long offset, size_t n, int writing, uint64_t seed) {
    struct iovec parts[3] = {{data, n / 3}, {data + n / 3, 0}, {data + n / 3, n - n / 3}};
    if (writing) fill(data, n, seed);
    ssize_t r = writing ? pwritev(fd, parts, 3, offset) : preadv(fd, parts, 3, offset);
    if (r < 0) fail();
    else if (writing) printf("= %zd\n", r);
    else printf("= %zd %016llx\n", r, (unsigned long long) hash(data, (size_t) r));
}

static void send_range(int out, int in, long long offset, size_t n) {
    off_t at = offset;
    answer(sendfile(out, in, &at, n));
}

static void get_lock(int fd, int type, long long start, long long count) {
    struct flock l = {.l_type = (short) type, .l_whence = SEEK_SET, .l_start = start, .l_len = count};
    if (fcntl(fd, F_GETLK, &l) < 0) { fail(); return; }
    if (l.l_type == F_UNLCK) printf("= free\n");
    else printf("= %d %lld %lld\n", l.l_type, (long long) l.l_start, (long long) l.l_len);
}

static void lock_range(int fd, int type, long long start, long long count) {
    struct flock l = {.l_type = (short) type, .l_whence = SEEK_SET, .l_start = start, .l_len = count};
    done(fcntl(fd, F_SETLK, &l));
}

static void open_slot(void) {
    int *s = slot(1);
    if (*s >= 0) { close(*s); *s = -1; }
    int fd = open(text(2), (int) number(3) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, (mode_t) number(4));
    if (fd < 0) { fail(); return; }
    *s = fd;
    printf("=\n");
}

static void close_slot(void) {
    int *s = slot(1);
    int r = close(*s);
    *s = -1;
    done(r);
}

static void read_link(const char *path) {
    char target[4096];
    ssize_t n = readlink(path, target, sizeof target);
    if (n < 0) { fail(); return; }
    printf("= ");
    encode(target, (size_t) n);
    printf("\n");
}

static void execute(void) {
    const char *op = tokens[0];
    struct stat s;
#define IS(name) else if (!strcmp(op, name))
    if (!strcmp(op, "open")) open_slot();
    IS("close") close_slot();
    IS("read") {
        ssize_t n = read(*slot(1), data, length(2));
        if (n < 0) fail();
        else printf("= %zd %016llx\n", n, (unsigned long long) hash(data, (size_t) n));
    }
    IS("pread") {
        ssize_t n = pread(*slot(1), data, length(3), number(2));
        if (n < 0) fail();
        else printf("= %zd %016llx\n", n, (unsigned long long) hash(data, (size_t) n));
    }
    IS("write") { fill(data, length(2), (uint64_t) number(3)); answer(write(*slot(1), data, length(2))); }
    IS("pwrite") {
        fill(data, length(3), (uint64_t) number(4));
        answer(pwrite(*slot(1), data, length(3), number(2)));
    }
    IS("cells") cells(*slot(1), (uint64_t) number(2), (uint64_t) number(3), (uint64_t) number(4), (uint64_t) number(5));
    IS("mapread") map_access(*slot(1), number(2), length(3), 0, 0);
    IS("mapwrite") map_access(*slot(1), number(2), length(3), 1, (uint64_t) number(4));
    IS("copyrange") copy_range(*slot(1), number(2), *slot(3), number(4), length(5));
    IS("preadv") vector(*slot(1), number(2), length(3), 0, 0);
    IS("pwritev") vector(*slot(1), number(2), length(3), 1, (uint64_t) number(4));
    IS("sendfile") send_range(*slot(1), *slot(2), number(3), length(4));
    IS("lseek") {
        /* what a place in a directory means is every file system's own business */
        if (fstat(*slot(1), &s) == 0 && S_ISDIR(s.st_mode)) printf("= directory\n");
        else answer(lseek(*slot(1), number(2), (int) number(3)));
    }
    IS("ftruncate") done(ftruncate(*slot(1), number(2)));
    IS("truncate") done(truncate(text(1), number(2)));
    IS("fallocate") done(fallocate(*slot(1), (int) number(2), number(3), number(4)));
    IS("fsync") done(fsync(*slot(1)));
    IS("fdatasync") done(fdatasync(*slot(1)));
    IS("syncfs") done(syncfs(*slot(1)));
    IS("fstat") print_stat(fstat(*slot(1), &s), &s);
    IS("stat") print_stat(stat(text(1), &s), &s);
    IS("lstat") print_stat(lstat(text(1), &s), &s);
    IS("ino") { int r = fstat(*slot(1), &s); answer(r < 0 ? r : (long long) s.st_ino); }
    IS("link") done(linkat(AT_FDCWD, text(1), AT_FDCWD, text(2), (int) number(3)));
    IS("linkslot") done(linkat(*slot(1), "", AT_FDCWD, text(2), AT_EMPTY_PATH));
    IS("symlink") done(symlink(text(1), text(2)));
    IS("readlink") read_link(text(1));
    IS("rename") {
        if (number(3)) done((int) syscall(SYS_renameat2, AT_FDCWD, text(1), AT_FDCWD, text(2), (unsigned) number(3)));
        else done(rename(text(1), text(2)));
    }
    IS("unlink") done(unlink(text(1)));
    IS("rmdir") done(rmdir(text(1)));
    IS("mkdir") done(mkdir(text(1), (mode_t) number(2)));
    IS("mknod") done(mknod(text(1), (mode_t) number(2), makedev((unsigned) number(3), (unsigned) number(4))));
    IS("chmod") done(chmod(text(1), (mode_t) number(2)));
    IS("fchmod") done(fchmod(*slot(1), (mode_t) number(2)));
    IS("chown") done(chown(text(1), (uid_t) number(2), (gid_t) number(3)));
    IS("lchown") done(lchown(text(1), (uid_t) number(2), (gid_t) number(3)));
    IS("fchown") done(fchown(*slot(1), (uid_t) number(2), (gid_t) number(3)));
    IS("utimens") {
        struct timespec t[2] = {when(2), when(4)};
        done(utimensat(AT_FDCWD, text(1), t, (int) number(6)));
    }
    IS("futimens") { struct timespec t[2] = {when(2), when(4)}; done(futimens(*slot(1), t)); }
    IS("setxattr") {
        fill(data, length(3), (uint64_t) number(4));
        done(lsetxattr(text(1), text(2), data, length(3), (int) number(5)));
    }
    IS("fsetxattr") {
        fill(data, length(3), (uint64_t) number(4));
        done(fsetxattr(*slot(1), text(2), data, length(3), (int) number(5)));
    }
    IS("getxattr") get_attribute(lgetxattr(text(1), text(2), data, length(3)));
    IS("fgetxattr") get_attribute(fgetxattr(*slot(1), text(2), data, length(3)));
    IS("listxattr") list_attributes(text(1));
    IS("removexattr") done(lremovexattr(text(1), text(2)));
    IS("setacl") set_acl(text(1), text(2), tokens[3]);
    IS("getacl") get_attribute(getxattr(text(1), text(2), data, MAX_DATA));
    IS("ls") list(text(1));
    IS("access") done(faccessat(AT_FDCWD, text(1), (int) number(2), AT_EACCESS));
    IS("umask") printf("= %o\n", umask((mode_t) number(1)));
    IS("lock") lock_range(*slot(1), (int) number(2), number(3), number(4));
    IS("getlock") get_lock(*slot(1), (int) number(2), number(3), number(4));
    IS("flock") done(flock(*slot(1), (int) number(2)));
    IS("chdir") done(chdir(text(1)));
    else printf("! no such operation\n");
}

int main(int argc, char **argv) {
    if (argc < 4) return 64;
    /* an errno is an answer, a death is none */
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SLOTS; i++) slots[i] = -1;
    data = malloc(MAX_DATA);
    gid_t groups[8];
    size_t ngroups = 0;
    for (int i = 4; i < argc && ngroups < 8; i++) groups[ngroups++] = (gid_t) atoi(argv[i]);
    gid_t gid = (gid_t) atoi(argv[3]);
    uid_t uid = (uid_t) atoi(argv[2]);
    if (!data || chroot(argv[1]) < 0 || chdir("/") < 0 || setgroups(ngroups, groups) < 0
            || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) {
        perror("opexec");
        return 71;
    }
    umask(022);
    printf("= ready\n");
    fflush(stdout);
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        ntokens = 0;
        for (char *t = strtok(line, " "); t && ntokens < MAX_TOKENS; t = strtok(NULL, " ")) tokens[ntokens++] = t;
        if (ntokens == 0) continue;
        for (int i = 0; i < ntokens; i++) decode(tokens[i]);
        execute();
        fflush(stdout);
    }
    return 0;
}
