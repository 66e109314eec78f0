/*
 * big_file PATH MEBIBYTES write|read
 *
 * One thread, requests of 1 MiB, content that neither compresses nor repeats. write ends with fsync, inside the time.
 * Prints MB/s (10^6 bytes).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 1 << 20 };

static _Noreturn void fail(const char *what, const char *path)
{
    fprintf(stderr, "big_file: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    static unsigned char bytes[REQUEST];
    if (count != 4) {
        fputs("usage: big_file PATH MEBIBYTES write|read\n", stderr);
        return 64;
    }
    const char *path = arguments[1];
    long requests = atol(arguments[2]);
    int writing = arguments[3][0] == 'w';

    for (int i = 0; i < REQUEST; i += 256)
        if (getrandom(bytes + i, 256, 0) != 256)
            fail("random bytes for", path);

    int fd = open(path, writing ? O_CREAT | O_EXCL | O_WRONLY : O_RDONLY, 0644);
    if (fd < 0)
        fail("open", path);
    double start = now();
    for (long i = 0; i < requests; i++) {
        if (writing) {
            /* every page differs from every other block.s, at little cost */
            for (long at = 0; at < REQUEST; at += 4096)
                memcpy(bytes + at, &i, sizeof i);
            if (write(fd, bytes, REQUEST) != REQUEST)
                fail("write", path);
        } else {
            for (long got = 0; got < REQUEST;) {
                ssize_t n = read(fd, bytes + got, (size_t)(REQUEST - got));
                if (n <= 0)
                    fail("read", path);
                got += n;
            }
        }
    }
    if (writing && fsync(fd) != 0)
        fail("fsync", path);
    if (close(fd) != 0)
        fail("close", path);
    printf("%.1f\n", (double)requests * REQUEST / 1e6 / (now() - start));
    return 0;
}
