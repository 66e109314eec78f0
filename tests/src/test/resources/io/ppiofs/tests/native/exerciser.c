/*
 * Random operations on one file against a model in memory; the first difference ends it with exit code 1 and the last
 * operations on stderr. Same seed, same operations.
 *
 * usage: exerciser FILE SEED OPERATIONS MAXLENGTH FEATURE...
 * features: map (reads and writes through shared mappings), punch, zero, allocate, fsync, reopen, append, align (whole
 * pages only), direct (O_DIRECT, implies align), second (a second descriptor does half of the work), hole (writes and
 * truncations far behind the end)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096L
#define MAX_OPERATION (192 * 1024L)
#define HISTORY 40

static unsigned char *model, *buffer;
static long size, limit;
static int fds[2] = {-1, -1};
static const char *path;
static uint64_t state;
static long step;
static char history[HISTORY][120];
static int map, punch, zero, allocate, sync_often, reopen, append, align, direct, second, hole;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dULL;
}

static long below(long n) { return n <= 0 ? 0 : (long) ((next() >> 11) % (uint64_t) n); }

static void give_up(const char *what, long offset) {
    fprintf(stderr, "operation %ld: %s at %ld (size %ld, errno %s)\n", step, what, offset, size, strerrorname_np(errno));
    for (long i = step - HISTORY + 1; i <= step; i++)
        if (i >= 0) fprintf(stderr, "  %ld %s\n", i, history[i % HISTORY]);
    exit(1);
}

#define NOTE(...) snprintf(history[step % HISTORY], sizeof history[0], __VA_ARGS__)

static int fd(void) { return fds[second ? below(2) : 0]; }

static void open_all(void) {
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0 && close(fds[i]) < 0) give_up("close failed", 0);
        fds[i] = open(path, O_RDWR | O_CREAT | (direct ? O_DIRECT : 0), 0644);
        if (fds[i] < 0) give_up("open failed", 0);
    }
}

static void compare(const unsigned char *got, long offset, long n, const char *what) {
    if (memcmp(got, model + offset, (size_t) n) == 0) return;
    long i = 0;
    while (got[i] == model[offset + i]) i++;
    fprintf(stderr, "wanted %02x, got %02x; ", model[offset + i], got[i]);
    give_up(what, offset + i);
}

static void check_size(void) {
    struct stat s;
    if (fstat(fd(), &s) < 0) give_up("fstat failed", 0);
    if (s.st_size != size) {
        fprintf(stderr, "wanted size %ld, got %ld; ", size, (long) s.st_size);
        give_up("wrong size", 0);
    }
}

static void random_range(long *offset, long *n, long end) {
    *offset = below(end);
    *n = 1 + below(below(4) ? 8192 : MAX_OPERATION);
    if (align) {
        *offset &= ~(PAGE - 1);
        *n = (*n + PAGE - 1) & ~(PAGE - 1);
    }
    if (*offset + *n > end) *n = end - *offset;
    if (align) *n &= ~(PAGE - 1);
}

static void fill(long n) {
    for (long i = 0; i < n; i += 8) {
        uint64_t v = next();
        memcpy(buffer + i, &v, 8);
    }
    /* runs of one byte now and then: what compresses takes another way */
    if (below(3) == 0) memset(buffer, (int) below(256), (size_t) n);
}

static void put(long offset, long n) {
    if (offset > size) memset(model + size, 0, (size_t) (offset - size));
    memcpy(model + offset, buffer, (size_t) n);
    if (offset + n > size) size = offset + n;
}

static void do_read(void) {
    long offset, n;
    random_range(&offset, &n, size);
    if (n <= 0) return;
    NOTE("read %ld +%ld", offset, n);
    ssize_t r = pread(fd(), buffer, (size_t) n, offset);
    if (r != n) give_up("short read", offset);
    compare(buffer, offset, n, "wrong bytes from read");
}

static void do_write(void) {
    long offset, n;
    long reach = hole && below(10) == 0 ? limit : size + MAX_OPERATION;
    random_range(&offset, &n, reach > limit ? limit : reach);
    if (n <= 0) return;
    NOTE("write %ld +%ld", offset, n);
    fill(n);
    if (pwrite(fd(), buffer, (size_t) n, offset) != n) give_up("short write", offset);
    put(offset, n);
}

static void do_append(void) {
    long n = 1 + below(8192);
    if (size + n > limit) return;
    NOTE("append %ld +%ld", size, n);
    fill(n);
    int f = open(path, O_WRONLY | O_APPEND);
    if (f < 0 || write(f, buffer, (size_t) n) != n || close(f) < 0) give_up("append failed", size);
    put(size, n);
}

static void do_truncate(void) {
    long length = below(3) == 0 || hole ? below(limit) : below(size + 1);
    if (align) length &= ~(PAGE - 1);
    NOTE("truncate %ld -> %ld", size, length);
    if ((below(2) ? ftruncate(fd(), length) : truncate(path, length)) < 0) give_up("truncate failed", length);
    if (length > size) memset(model + size, 0, (size_t) (length - size));
    size = length;
}

static void do_map_read(void) {
    long offset, n;
    random_range(&offset, &n, size);
    if (n <= 0) return;
    NOTE("mapread %ld +%ld", offset, n);
    long start = offset & ~(PAGE - 1);
    unsigned char *p = mmap(NULL, (size_t) (n + offset - start), PROT_READ, MAP_SHARED, fd(), start);
    if (p == MAP_FAILED) give_up("mmap failed", offset);
    compare(p + offset - start, offset, n, "wrong bytes from mapping");
    /* the rest of the last page reads as zeros */
    if (offset + n == size)
        for (long i = size; i % PAGE; i++)
            if (p[i - start]) give_up("no zeros behind the end in the mapping", i);
    munmap(p, (size_t) (n + offset - start));
}

static void do_map_write(void) {
    long offset, n;
    random_range(&offset, &n, size);
    if (n <= 0) return;
    NOTE("mapwrite %ld +%ld", offset, n);
    fill(n);
    long start = offset & ~(PAGE - 1);
    unsigned char *p = mmap(NULL, (size_t) (n + offset - start), PROT_READ | PROT_WRITE, MAP_SHARED, fd(), start);
    if (p == MAP_FAILED) give_up("mmap failed", offset);
    memcpy(p + offset - start, buffer, (size_t) n);
    if (below(2) && msync(p, (size_t) (n + offset - start), below(2) ? MS_SYNC : MS_ASYNC) < 0) give_up("msync failed", offset);
    if (munmap(p, (size_t) (n + offset - start)) < 0) give_up("munmap failed", offset);
    put(offset, n);
}

static void do_fallocate(int mode, const char *name) {
    long offset, n;
    random_range(&offset, &n, limit);
    if (n <= 0) return;
    NOTE("%s %ld +%ld", name, offset, n);
    if (fallocate(fd(), mode, offset, n) < 0) give_up("fallocate failed", offset);
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
        long end = offset + n < size ? offset + n : size;
        if (offset < end) memset(model + offset, 0, (size_t) (end - offset));
    }
    if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + n > size) {
        memset(model + size, 0, (size_t) (offset + n - size));
        size = offset + n;
    }
}

static void read_all(void) {
    NOTE("read all %ld", size);
    for (long offset = 0; offset < size; offset += MAX_OPERATION) {
        long n = size - offset < MAX_OPERATION ? size - offset : MAX_OPERATION;
        long asked = direct ? (n + PAGE - 1) & ~(PAGE - 1) : n;
        if (pread(fds[0], buffer, (size_t) asked, offset) != n) give_up("short read", offset);
        compare(buffer, offset, n, "wrong bytes from read");
    }
    check_size();
}

static void one_step(void) {
    switch (below(16)) {
        case 0: case 1: case 2: do_read(); break;
        case 3: case 4: case 5: do_write(); break;
        case 6: do_truncate(); break;
        case 7: if (map) do_map_read(); break;
        case 8: if (map) do_map_write(); break;
        case 9: if (punch) do_fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch"); break;
        case 10: if (zero) do_fallocate(FALLOC_FL_ZERO_RANGE | (below(2) ? FALLOC_FL_KEEP_SIZE : 0), "zero"); break;
        case 11: if (allocate) do_fallocate(below(2) ? FALLOC_FL_KEEP_SIZE : 0, "allocate"); break;
        case 12:
            if (!sync_often) break;
            NOTE("fsync");
            if ((below(2) ? fsync(fd()) : fdatasync(fd())) < 0) give_up("fsync failed", 0);
            break;
        case 13: if (reopen) { NOTE("reopen"); open_all(); } break;
        case 14: if (append) do_append(); break;
        default: NOTE("stat"); check_size(); break;
    }
}

static void feature(const char *name) {
    if (!strcmp(name, "map")) map = 1;
    else if (!strcmp(name, "punch")) punch = 1;
    else if (!strcmp(name, "zero")) zero = 1;
    else if (!strcmp(name, "allocate")) allocate = 1;
    else if (!strcmp(name, "fsync")) sync_often = 1;
    else if (!strcmp(name, "reopen")) reopen = 1;
    else if (!strcmp(name, "append")) append = 1;
    else if (!strcmp(name, "align")) align = 1;
    else if (!strcmp(name, "direct")) direct = align = 1;
    else if (!strcmp(name, "second")) second = 1;
    else if (!strcmp(name, "hole")) hole = 1;
    else { fprintf(stderr, "unknown feature %s\n", name); exit(64); }
}

int main(int argc, char **argv) {
    if (argc < 5) return 64;
    path = argv[1];
    state = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ULL | 1;
    long operations = atol(argv[3]);
    limit = atol(argv[4]);
    for (int i = 5; i < argc; i++) feature(argv[i]);
    model = calloc(1, (size_t) limit + MAX_OPERATION);
    if (!model || posix_memalign((void **) &buffer, PAGE, MAX_OPERATION + PAGE)) return 71;
    for (int i = 0; i < 20; i++) next();
    open_all();
    for (step = 0; step < operations; step++) {
        NOTE("nothing");
        one_step();
        if (step % 500 == 499) read_all();
    }
    step--;
    open_all();
    read_all();
    /* the caller compares this after a remount */
    FILE *out = fopen(getenv("EXERCISER_MODEL") ? getenv("EXERCISER_MODEL") : "/dev/null", "w");
    if (!out || fwrite(model, 1, (size_t) size, out) != (size_t) size || fclose(out)) return 74;
    return 0;
}
