/*
 * floor DIRECTORY MEBIBYTES
 *
 * The least that a volume with three copies can cost on this machine when every block is encrypted and hashed and every
 * connection too: the same passes over the bytes as ppiofs makes, in C, with OpenSSL, and nothing else. No FUSE, no index, no
 * tree, no journal, no protocol, no waiting for an answer. One process is the writer and the reader, three are storage nodes;
 * they are joined by TCP on loopback. For each block of 1 MiB
 *
 *   write: SHA-256 of the content, AES-256-GCM, SHA-256 of what is stored, a write to a file; three times: AES-128-GCM in records
 *          of 16 KiB, send, receive, open the records, SHA-256, a write to a file
 *   read:  a node reads its file, seals the records, sends; receive, open the records, SHA-256, open the block, a write to a file
 *
 * Prints for both: seconds, MB/s, and processor seconds of all four processes for 10^9 bytes. Files are written with O_DIRECT
 * where the filesystem has it, and synced inside the time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1 << 20, RECORD = 16 << 10, TAG = 16, SEALED = RECORD + TAG, RECORDS = BLOCK / RECORD, NODES = 3 };

static unsigned char *plain, *stored, *wire, *sent;
static const char *directory;
static long blocks;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hash(const unsigned char *bytes)
{
    static EVP_MD_CTX *context;
    unsigned char digest[32];
    if (context == NULL)
        context = EVP_MD_CTX_new();
    if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL) || !EVP_DigestUpdate(context, bytes, BLOCK)
        || !EVP_DigestFinal_ex(context, digest, NULL))
        fail("SHA-256");
}

/* Seals length bytes; the tag follows them. A counter is the nonce. */
static void seal(const EVP_CIPHER *cipher, uint64_t nonce, const unsigned char *from, int length, unsigned char *to)
{
    static EVP_CIPHER_CTX *context;
    static const unsigned char key[32] = {1};
    unsigned char iv[12] = {0};
    int n;
    memcpy(iv, &nonce, sizeof nonce);
    if (context == NULL)
        context = EVP_CIPHER_CTX_new();
    if (!EVP_EncryptInit_ex(context, cipher, NULL, key, iv) || !EVP_EncryptUpdate(context, to, &n, from, length)
        || !EVP_EncryptFinal_ex(context, to + n, &n) || !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, to + length))
        fail("seal");
}

static void unseal(const EVP_CIPHER *cipher, uint64_t nonce, unsigned char *from, int length, unsigned char *to)
{
    static EVP_CIPHER_CTX *context;
    static const unsigned char key[32] = {1};
    unsigned char iv[12] = {0};
    int n;
    memcpy(iv, &nonce, sizeof nonce);
    if (context == NULL)
        context = EVP_CIPHER_CTX_new();
    if (!EVP_DecryptInit_ex(context, cipher, NULL, key, iv) || !EVP_DecryptUpdate(context, to, &n, from, length)
        || !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, from + length)
        || EVP_DecryptFinal_ex(context, to + n, &n) != 1) {
        fputs("floor: the tag does not fit\n", stderr);
        exit(1);
    }
}

static void send_all(int fd, const unsigned char *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = write(fd, bytes + done, length - done);
        if (n < 0)
            fail("send");
        done += (size_t)n;
    }
}

static void receive_all(int fd, unsigned char *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = read(fd, bytes + done, length - done);
        if (n <= 0)
            fail("receive");
        done += (size_t)n;
    }
}

static void send_block(int fd, long number, const unsigned char *block)
{
    for (int i = 0; i < RECORDS; i++)
        seal(EVP_aes_128_gcm(), (uint64_t)number * RECORDS + (uint64_t)i, block + i * RECORD, RECORD, wire + i * SEALED);
    send_all(fd, wire, (size_t)RECORDS * SEALED);
}

static void receive_block(int fd, long number, unsigned char *block)
{
    receive_all(fd, wire, (size_t)RECORDS * SEALED);
    for (int i = 0; i < RECORDS; i++)
        unseal(EVP_aes_128_gcm(), (uint64_t)number * RECORDS + (uint64_t)i, wire + i * SEALED, RECORD, block + i * RECORD);
}

static int open_file(const char *name, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, flags | O_DIRECT, 0600);
    if (fd < 0 && errno == EINVAL)
        fd = open(path, flags, 0600);
    if (fd < 0)
        fail(path);
    return fd;
}

static void put(int fd, const unsigned char *block)
{
    if (write(fd, block, BLOCK) != BLOCK)
        fail("write");
}

static _Noreturn void node(int number, int fd)
{
    char name[16], byte = 0;
    snprintf(name, sizeof name, "node%d", number);
    int file = open_file(name, O_CREAT | O_EXCL | O_RDWR);
    for (long i = 0; i < blocks; i++) {
        receive_block(fd, i, stored);
        hash(stored);
        put(file, stored);
    }
    if (fsync(file) < 0)
        fail("fsync");
    send_all(fd, (unsigned char *)&byte, 1);
    receive_all(fd, (unsigned char *)&byte, 1);
    for (long i = 0; byte && i < blocks; i++) {
        if (pread(file, stored, BLOCK, i * BLOCK) != BLOCK)
            fail("read");
        send_block(fd, i, stored);
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    send_all(fd, (unsigned char *)&seconds, sizeof seconds);
    exit(0);
}

/* What all processes have used so far: the nodes are asked for theirs by their clocks. */
static double used(const clockid_t *clocks)
{
    double sum = now(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < NODES; i++)
        sum += now(clocks[i]);
    return sum;
}

static void print(const char *what, double seconds, double processor)
{
    double gigabytes = (double)blocks * BLOCK / 1e9;
    printf("%s %.2f s, %.0f MB/s, %.1f s/GB of processor time\n", what, seconds, gigabytes * 1e3 / seconds, processor / gigabytes);
}

static unsigned char *memory(size_t length)
{
    unsigned char *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (bytes == MAP_FAILED)
        fail("memory");
    return bytes;
}

int main(int count, char **arguments)
{
    int fds[NODES];
    pid_t children[NODES];
    clockid_t clocks[NODES];
    if (count != 3 || (blocks = atol(arguments[2])) < 1) {
        fputs("usage: floor DIRECTORY MEBIBYTES\n", stderr);
        return 64;
    }
    directory = arguments[1];
    plain = memory(BLOCK);
    stored = memory(BLOCK + 4096);
    wire = memory((size_t)RECORDS * SEALED);
    sent = memory(BLOCK);
    for (int i = 0; i < BLOCK; i += 256)
        if (getrandom(plain + i, 256, 0) != 256)
            fail("random bytes");

    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, NODES) < 0
        || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        fail("listen");
    for (int i = 0; i < NODES; i++) {
        children[i] = fork();
        if (children[i] < 0)
            fail("fork");
        if (children[i] == 0) {
            int fd = socket(AF_INET, SOCK_STREAM, 0);
            if (fd < 0 || connect(fd, (struct sockaddr *)&address, length) < 0)
                fail("connect");
            node(i, fd);
        }
        if ((fds[i] = accept(listener, NULL, NULL)) < 0 || clock_getcpuclockid(children[i], &clocks[i]) != 0)
            fail("accept");
    }

    int file = open_file("writer", O_CREAT | O_EXCL | O_WRONLY);
    double start = now(CLOCK_MONOTONIC), processor = used(clocks);
    for (long i = 0; i < blocks; i++) {
        for (long at = 0; at < BLOCK; at += 4096)
            memcpy(plain + at, &i, sizeof i);
        hash(plain);
        seal(EVP_aes_256_gcm(), (uint64_t)i, plain, BLOCK - TAG, stored);
        hash(stored);
        put(file, stored);
        for (int j = 0; j < NODES; j++)
            send_block(fds[j], i, stored);
    }
    if (fsync(file) < 0)
        fail("fsync");
    for (int j = 0; j < NODES; j++)
        receive_all(fds[j], stored, 1);
    print("write", now(CLOCK_MONOTONIC) - start, used(clocks) - processor);

    /* the first node sends everything, the others end */
    int cache = open_file("reader", O_CREAT | O_EXCL | O_WRONLY);
    double ended;
    for (int j = 1; j < NODES; j++) {
        send_all(fds[j], (const unsigned char *)"\0", 1);
        receive_all(fds[j], (unsigned char *)&ended, sizeof ended);
    }
    start = now(CLOCK_MONOTONIC);
    processor = now(CLOCK_PROCESS_CPUTIME_ID) + now(clocks[0]);
    send_all(fds[0], (const unsigned char *)"\1", 1);
    for (long i = 0; i < blocks; i++) {
        receive_block(fds[0], i, stored);
        hash(stored);
        unseal(EVP_aes_256_gcm(), (uint64_t)i, stored, BLOCK - TAG, sent);
        put(cache, stored);
    }
    print("read", now(CLOCK_MONOTONIC) - start, now(CLOCK_PROCESS_CPUTIME_ID) + now(clocks[0]) - processor);
    receive_all(fds[0], (unsigned char *)&ended, sizeof ended);
    for (int i = 0; i < NODES; i++) {
        int status;
        if (waitpid(children[i], &status, 0) < 0 || status != 0)
            fail("a node");
    }
    return 0;
}
