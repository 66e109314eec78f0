/*
 * Shared mappings, each check a sentence; exit code 1 and the sentence on stderr when one does not hold.
 * usage: mapcheck DIRECTORY
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define LENGTH (1 << 20)

static sigjmp_buf after_bus_error;

static void bus_error(int signal) { siglongjmp(after_bus_error, signal); }

static void hold(int condition, const char *sentence) {
    if (condition) return;
    fprintf(stderr, "does not hold: %s (errno %s)\n", sentence, strerrorname_np(errno));
    exit(1);
}

static int make(const char *name, off_t length) {
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    hold(fd >= 0, "a file can be created");
    hold(ftruncate(fd, length) == 0, "a file can be extended");
    return fd;
}

static unsigned char *map(int fd, size_t length, int protection, int flags) {
    void *p = mmap(NULL, length, protection, flags, fd, 0);
    hold(p != MAP_FAILED, "a file can be mapped");
    return p;
}

static void written_through_the_mapping_is_read_by_read(void) {
    int fd = make("one", LENGTH);
    unsigned char *p = map(fd, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
    for (int i = 0; i < LENGTH; i++) p[i] = (unsigned char) (i * 7 + i / 251);
    hold(msync(p, LENGTH, MS_SYNC) == 0, "msync works");
    unsigned char *b = malloc(LENGTH);
    hold(pread(fd, b, LENGTH, 0) == LENGTH, "the whole file can be read");
    hold(memcmp(p, b, LENGTH) == 0, "read returns what was written through the mapping");
    for (int i = 0; i < LENGTH; i += 5000) b[i] = 0xee;
    hold(pwrite(fd, b, LENGTH, 0) == LENGTH, "the whole file can be written");
    hold(memcmp(p, b, LENGTH) == 0, "the mapping shows what was written by write");
    free(b);
    munmap(p, LENGTH);
    close(fd);
}

static void two_processes_see_each_other(void) {
    int fd = make("two", LENGTH);
    pid_t child = fork();
    if (child == 0) {
        int other = open("two", O_RDWR);
        atomic_int *p = (atomic_int *) map(other, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
        for (int i = 1; i <= 2000; i++) {
            while (atomic_load(&p[0]) != 2 * i - 1) sched_yield();
            atomic_store(&p[1024 + i], i);
            atomic_store(&p[0], 2 * i);
        }
        _exit(0);
    }
    atomic_int *p = (atomic_int *) map(fd, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
    for (int i = 1; i <= 2000; i++) {
        atomic_store(&p[0], 2 * i - 1);
        while (atomic_load(&p[0]) != 2 * i) {
            int status;
            hold(waitpid(child, &status, WNOHANG) == 0, "the other process lives while it is asked");
            sched_yield();
        }
        hold(atomic_load(&p[1024 + i]) == i, "what another process writes into a shared mapping is seen");
    }
    int status;
    hold(waitpid(child, &status, 0) == child && status == 0, "the other process ended well");
    munmap(p, LENGTH);
    close(fd);
}

static void private_changes_stay_private(void) {
    int fd = make("private", PAGE);
    unsigned char *p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    p[10] = 'x';
    char c = 'y';
    hold(pread(fd, &c, 1, 10) == 1 && c == 0, "a private mapping does not change the file");
    munmap(p, PAGE);
    close(fd);
}

static void truncation_under_a_mapping_is_a_bus_error(void) {
    int fd = make("cut", 4 * PAGE);
    volatile unsigned char *p = map(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    p[3 * PAGE] = 1;
    p[100] = 2;
    hold(ftruncate(fd, PAGE + 10) == 0, "a mapped file can be cut");
    hold(p[100] == 2, "the part before the cut stays");
    hold(p[PAGE + 20] == 0, "the rest of the last page is zeros");
    int signalled = sigsetjmp(after_bus_error, 1);
    if (!signalled) {
        signal(SIGBUS, bus_error);
        p[3 * PAGE] = 5;
    }
    signal(SIGBUS, SIG_DFL);
    hold(signalled == SIGBUS, "writing behind the end of a mapped file is SIGBUS");
    hold(ftruncate(fd, 4 * PAGE) == 0, "a mapped file can be extended again");
    hold(p[3 * PAGE] == 0, "what was cut off reads as zeros");
    p[3 * PAGE] = 9;
    char c = 0;
    hold(pread(fd, &c, 1, 3 * PAGE) == 1 && c == 9, "the mapping works again behind the cut");
    munmap((void *) p, 4 * PAGE);
    close(fd);
}

static void a_mapping_outlives_close_and_unlink(void) {
    int fd = make("gone", LENGTH);
    unsigned char *p = map(fd, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
    close(fd);
    hold(unlink("gone") == 0, "a mapped file can be unlinked");
    for (int i = 0; i < LENGTH; i += PAGE) p[i] = (unsigned char) (i / PAGE);
    hold(msync(p, LENGTH, MS_SYNC) == 0, "msync works on an unlinked file");
    hold(madvise(p, LENGTH, MADV_DONTNEED) == 0, "pages can be dropped");
    for (int i = 0; i < LENGTH; i += PAGE) hold(p[i] == (unsigned char) (i / PAGE), "an unlinked mapped file keeps its bytes");
    munmap(p, LENGTH);
}

static void a_program_runs_from_here(void) {
    hold(system("cp /bin/true ./program && ./program") == 0, "a program can be executed");
}

int main(int argc, char **argv) {
    if (argc != 2 || chdir(argv[1]) < 0) return 64;
    alarm(60);
    written_through_the_mapping_is_read_by_read();
    two_processes_see_each_other();
    private_changes_stay_private();
    truncation_under_a_mapping_is_a_bus_error();
    a_mapping_outlives_close_and_unlink();
    a_program_runs_from_here();
    return 0;
}
