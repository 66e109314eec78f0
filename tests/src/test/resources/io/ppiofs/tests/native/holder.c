/*
 * Holds everything that one can hold in a filesystem and goes on working with it until SIGTERM:
 *
 *   holder DIR    an open file that is written and read, one without a name, an unnamed one, a directory stream in the
 *                 middle, a shared mapping, a lock, a removed working directory, a file known by O_PATH alone
 *
 * Prints "ready" once it holds them, at the end "ok ROUNDS LONGEST_MS", and exits with 1 at the first thing that is wrong.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES 600
#define RECORD 4096
#define GONE (1 << 20)
#define MAPPED 65536

static volatile sig_atomic_t stop;

static void on_term(int signal) {
    (void)signal;
    stop = 1;
}

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno)); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

static long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void fill(char *record, long number) {
    for (int i = 0; i < RECORD; i += (int)sizeof number) {
        memcpy(record + i, &number, sizeof number);
    }
}

static void check_record(int fd, long number, long at) {
    char expected[RECORD], found[RECORD];
    fill(expected, number);
    CHECK(pread(fd, found, RECORD, at) == RECORD);
    CHECK(memcmp(expected, found, RECORD) == 0);
}

static void write_records(int fd, long count) {
    char record[RECORD];
    for (long i = 0; i < count; i++) {
        fill(record, i);
        CHECK(pwrite(fd, record, RECORD, i * RECORD) == RECORD);
    }
}

/* Another process meets the lock. */
static void check_lock(int fd) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
        _exit(fcntl(fd, F_GETLK, &wanted) == 0 && wanted.l_type == F_WRLCK && wanted.l_pid == getppid() ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    struct sigaction term = {.sa_handler = on_term, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &term, NULL);
    CHECK(chdir(argv[1]) == 0);
    int root = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(root >= 0);

    int log = openat(root, "log", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(log >= 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    CHECK(fcntl(log, F_SETLK, &lock) == 0);

    CHECK(mkdirat(root, "many", 0755) == 0);
    char name[256];
    for (int i = 0; i < FILES; i++) { /* long names: several calls of getdents(2) */
        snprintf(name, sizeof name, "many/%0200d", i);
        int fd = openat(root, name, O_WRONLY | O_CREAT, 0644);
        CHECK(fd >= 0);
        close(fd);
    }
    DIR *many = opendir("many");
    CHECK(many != NULL);
    int listed = 0;
    while (listed < 100) {
        CHECK(readdir(many) != NULL);
        listed++;
    }

    int mapped_file = openat(root, "mapped", O_RDWR | O_CREAT, 0644);
    CHECK(mapped_file >= 0 && ftruncate(mapped_file, MAPPED) == 0);
    char *mapped = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, mapped_file, 0);
    CHECK(mapped != MAP_FAILED);

    int known = openat(root, "known", O_WRONLY | O_CREAT, 0644);
    CHECK(known >= 0 && write(known, "known", 5) == 5 && close(known) == 0);
    known = openat(root, "known", O_PATH);
    CHECK(known >= 0);
    CHECK(mkdirat(root, "dead", 0755) == 0 && chdir("dead") == 0 && unlinkat(root, "dead", AT_REMOVEDIR) == 0);

    int unnamed = openat(root, ".", O_TMPFILE | O_RDWR, 0644);
    CHECK(unnamed >= 0 && pwrite(unnamed, "unnamed", 7, 0) == 7);
    int gone = openat(root, "gone", O_RDWR | O_CREAT, 0644);
    CHECK(gone >= 0);
    write_records(gone, GONE / RECORD); /* last of all, and not synced */
    CHECK(unlinkat(root, "gone", 0) == 0);

    printf("ready\n");
    fflush(stdout);
    long rounds = 0, longest = 0;
    while (!stop) {
        long begin = now_us();
        char record[RECORD];
        fill(record, rounds);
        CHECK(pwrite(log, record, RECORD, rounds * RECORD) == RECORD);
        long earlier = rounds * 7919 % (rounds + 1);
        check_record(log, earlier, earlier * RECORD);
        long part = rounds % (GONE / RECORD);
        posix_fadvise(gone, 0, 0, POSIX_FADV_DONTNEED); /* the filesystem is asked, not the page cache */
        check_record(gone, part, part * RECORD);
        mapped[rounds % MAPPED] = (char)rounds;
        if (rounds % 16 == 0) {
            CHECK(msync(mapped, MAPPED, MS_SYNC) == 0);
            snprintf(name, sizeof name, "round-%ld", rounds % 64);
            int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
            CHECK(fd >= 0 && write(fd, name, strlen(name)) > 0 && close(fd) == 0);
        }
        long took = now_us() - begin;
        longest = took > longest ? took : longest;
        rounds++;
        usleep(500);
    }

    for (long i = 0; i < rounds; i += 1 + rounds / 500) {
        check_record(log, i, i * RECORD);
    }
    check_lock(log);
    while (readdir(many) != NULL) {
        listed++;
    }
    CHECK(listed == FILES + 2);
    CHECK(msync(mapped, MAPPED, MS_SYNC) == 0);
    for (long i = rounds > MAPPED ? rounds - MAPPED : 0; i < rounds; i++) {
        char byte;
        CHECK(mapped[i % MAPPED] == (char)i && pread(mapped_file, &byte, 1, i % MAPPED) == 1 && byte == (char)i);
    }
    struct stat found;
    CHECK(stat(".", &found) == 0 && found.st_nlink == 0);
    CHECK(unlinkat(root, "known", 0) == 0 && fstat(known, &found) == 0 && found.st_nlink == 0 && found.st_size == 5);
    snprintf(name, sizeof name, "/proc/self/fd/%d", unnamed);
    CHECK(linkat(AT_FDCWD, name, root, "named", AT_SYMLINK_FOLLOW) == 0);
    CHECK(fsync(log) == 0 && close(log) == 0 && close(unnamed) == 0 && close(gone) == 0);
    printf("ok %ld %ld\n", rounds, longest / 1000);
    return 0;
}
