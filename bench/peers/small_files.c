/*
 * small_files DIR FILES BYTES create|stat|unlink
 *
 * One thread, FILES files in directories of 1,000 under DIR; each file has BYTES bytes of its own. Prints operations per
 * second. create is open(O_CREAT|O_EXCL), write, close.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PER_DIRECTORY = 1000, LARGEST = 1 << 20, PATH_ROOM = 4096 };

static _Noreturn void fail(const char *what, const char *path)
{
    fprintf(stderr, "small_files: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* xorshift64*: content that neither compresses nor repeats */
static void fill(unsigned char *bytes, size_t length, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < length; i += 8) {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        uint64_t word = x * 0x2545f4914f6cdd1du;
        memcpy(bytes + i, &word, 8); /* the buffer has 8 bytes to spare */
    }
}

static void create(const char *path, const unsigned char *bytes, size_t length)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (fd < 0)
        fail("create", path);
    if (length > 0 && write(fd, bytes, length) != (ssize_t)length)
        fail("write", path);
    if (close(fd) != 0)
        fail("close", path);
}

int main(int count, char **arguments)
{
    static unsigned char bytes[LARGEST + 8];
    struct stat found;
    char path[PATH_ROOM];

    if (count != 5) {
        fputs("usage: small_files DIR FILES BYTES create|stat|unlink\n", stderr);
        return 64;
    }
    long files = atol(arguments[2]);
    long length = atol(arguments[3]);
    char what = arguments[4][0];
    uint64_t salt = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid() << 40;
    if (files < 1 || length < 0 || length > LARGEST) {
        fputs("small_files: FILES or BYTES is out of range\n", stderr);
        return 64;
    }

    double start = now();
    for (long i = 0; i < files; i++) {
        if (what == 'c' && i % PER_DIRECTORY == 0) {
            snprintf(path, sizeof path, "%s/d%ld", arguments[1], i / PER_DIRECTORY);
            if (mkdir(path, 0755) != 0)
                fail("mkdir", path);
        }
        snprintf(path, sizeof path, "%s/d%ld/f%ld", arguments[1], i / PER_DIRECTORY, i);
        if (what == 'c') {
            fill(bytes, (size_t)length, salt + (uint64_t)i);
            create(path, bytes, (size_t)length);
        } else if (what == 's') {
            if (stat(path, &found) != 0)
                fail("stat", path);
            if (found.st_size != length)
                fprintf(stderr, "small_files: %s has %lld bytes\n", path, (long long)found.st_size), exit(1);
        } else if (unlink(path) != 0) {
            fail("unlink", path);
        }
    }
    printf("%.1f\n", (double)files / (now() - start));
    return 0;
}
