/* Stands between a program and the C library, and lets the n-th call on watched folders go wrong.
 *
 * Loaded by LD_PRELOAD, it does nothing until `faults_arm` is called. Calls are told by the folder
 * of their file, whoever makes them: Python, NumPy, HDF5, TensorFlow. What is read through a memory
 * map is not seen.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 1, WRITE = 2, SYNC = 4, NAME = 8, READ = 16 };
enum { KINDS = 5, KILL = -1, DELAY = -2, TORN = -3 };

static char folders[4 * PATH_MAX]; /* each ends with a slash and a zero; an empty one is the last */
static int armed, kinds, action, lasting, told = -1;
static long at, milliseconds, seen, counts[KINDS];

/* Watches `list`, folders joined by colons. The `n`-th call of the kinds in the mask `which` is
 * killed (-1), delayed (-2) or fails with the error number `what`; with `stays`, so do all after it.
 * What was hit is written to the open file `report`. */
void faults_arm(const char *list, int which, int what, long n, int stays, long delay, int report) {
    char *end = folders;
    memset(folders, 0, sizeof folders);
    memset(counts, 0, sizeof counts);
    for (const char *from = list; *from;) {
        size_t length = strcspn(from, ":");
        memcpy(end, from, length);
        end[length] = '/';
        end += length + 2;
        from += length + (from[length] == ':');
    }
    kinds = which, action = what, at = n, lasting = stays, milliseconds = delay, told = report;
    seen = 0;
    __atomic_store_n(&armed, 1, __ATOMIC_SEQ_CST);
}

void faults_disarm(void) { __atomic_store_n(&armed, 0, __ATOMIC_SEQ_CST); }

long faults_count(int kind) { return counts[kind]; }

static int watched(const char *path) {
    for (const char *folder = folders; *folder; folder += strlen(folder) + 1) {
        size_t length = strlen(folder);
        if (!strncmp(path, folder, length) || (!strncmp(path, folder, length - 1) && !path[length - 1]))
            return 1;
    }
    return 0;
}

static const char *name_of(int fd, char *room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, room, (size_t)PATH_MAX - 1);
    room[length < 0 ? 0 : length] = 0;
    return room;
}

/* Returns 0 to go on, or what is to go wrong: an error number, KILL, or TORN where the disk fills up. */
static int due(int kind, const char *call, const char *path) {
    if (!watched(path))
        return 0;
    __atomic_add_fetch(&counts[__builtin_ctz(kind)], 1, __ATOMIC_SEQ_CST);
    if (!(kind & kinds))
        return 0;
    long n = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (n != at && !(lasting && n > at))
        return 0;
    if (n == at && told >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%s %s\n", call, path);
        syscall(SYS_write, told, line, (size_t)length);
    }
    if (action == DELAY) {
        struct timespec wait = {milliseconds / 1000, milliseconds % 1000 * 1000000};
        nanosleep(&wait, NULL);
        return 0;
    }
    if (kind == WRITE && (action == KILL || (lasting && n == at)))
        return TORN;
    if (action == KILL)
        syscall(SYS_kill, getpid(), SIGKILL);
    return action;
}

static int due_fd(int kind, const char *call, int fd) {
    char room[PATH_MAX];
    int before = errno, fault = 0;
    if (armed)
        fault = due(kind, call, name_of(fd, room));
    errno = fault > 0 ? fault : before;
    return fault;
}

static int due_at(int kind, const char *call, int folder, const char *path) {
    char room[2 * PATH_MAX];
    int before = errno, fault = 0;
    if (!armed || !path)
        return 0;
    if (*path == '/')
        fault = due(kind, call, path);
    else {
        if (folder == AT_FDCWD) {
            if (syscall(SYS_getcwd, room, (size_t)PATH_MAX) < 0)
                *room = 0;
        } else
            name_of(folder, room);
        size_t length = strlen(room);
        snprintf(room + length, sizeof room - length, "/%s", path);
        fault = due(kind, call, room);
    }
    errno = fault > 0 ? fault : before;
    return fault;
}

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real)                                                                                     \
    real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define DIE syscall(SYS_kill, getpid(), SIGKILL)

/* A write that is killed, or that fills the disk up, leaves the half of what was to be written. */
#define WRITING(fd, size, half)                                                                    \
    int fault = due_fd(WRITE, __func__, fd);                                                       \
    if (fault == TORN) {                                                                           \
        ssize_t left = (size) > 1 ? (half) : 0;                                                    \
        if (action == KILL)                                                                        \
            DIE;                                                                                   \
        if (left > 0)                                                                              \
            return left;                                                                           \
        errno = action;                                                                            \
        return -1;                                                                                 \
    }                                                                                              \
    if (fault > 0)                                                                                 \
    return -1

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    WRITING(fd, size, real(fd, data, size / 2));
    return real(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t place) {
    REAL(pwrite);
    WRITING(fd, size, real(fd, data, size / 2, place));
    return real(fd, data, size, place);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) {
    REAL(pwrite64);
    WRITING(fd, size, real(fd, data, size / 2, place));
    return real(fd, data, size, place);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    WRITING(fd, count, real(fd, parts, count / 2));
    return real(fd, parts, count);
}

ssize_t sendfile(int to, int from, off_t *place, size_t size) {
    REAL(sendfile);
    WRITING(to, size, real(to, from, place, size / 2));
    return real(to, from, place, size);
}

ssize_t sendfile64(int to, int from, off64_t *place, size_t size) {
    REAL(sendfile64);
    WRITING(to, size, real(to, from, place, size / 2));
    return real(to, from, place, size);
}

ssize_t copy_file_range(int from, off64_t *there, int to, off64_t *here, size_t size, unsigned how) {
    REAL(copy_file_range);
    WRITING(to, size, real(from, there, to, here, size / 2, how));
    return real(from, there, to, here, size, how);
}

int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    WRITING(fd, 0, 0);
    return real(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    WRITING(fd, 0, 0);
    return real(fd, size);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    REAL(fwrite);
    int fault = due_fd(WRITE, __func__, fileno(file));
    if (fault == TORN) {
        size_t half = real(data, size, count / 2, file);
        if (action == KILL)
            DIE;
        errno = action;
        return half;
    }
    return fault > 0 ? 0 : real(data, size, count, file);
}

/* What stdio still holds reaches the file here: where that fails, it is gone. */
#define FLUSHING(file)                                                                             \
    if (file && __fpending(file)) {                                                                \
        int fault = due_fd(WRITE, __func__, fileno(file));                                         \
        if (fault == TORN && action == KILL)                                                       \
            DIE;                                                                                   \
        if (fault) {                                                                               \
            __fpurge(file);                                                                        \
            real(file);                                                                            \
            errno = action;                                                                        \
            return EOF;                                                                            \
        }                                                                                          \
    }

int fflush(FILE *file) {
    REAL(fflush);
    FLUSHING(file);
    return real(file);
}

int fclose(FILE *file) {
    REAL(fclose);
    FLUSHING(file);
    return real(file);
}

#define FAILING(kind, fd)                                                                          \
    if (due_fd(kind, __func__, fd) > 0)                                                            \
    return -1

int fsync(int fd) {
    REAL(fsync);
    FAILING(SYNC, fd);
    return real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    FAILING(SYNC, fd);
    return real(fd);
}

ssize_t read(int fd, void *data, size_t size) {
    REAL(read);
    FAILING(READ, fd);
    return real(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t place) {
    REAL(pread);
    FAILING(READ, fd);
    return real(fd, data, size, place);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t place) {
    REAL(pread64);
    FAILING(READ, fd);
    return real(fd, data, size, place);
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
    REAL(readv);
    FAILING(READ, fd);
    return real(fd, parts, count);
}

size_t fread(void *data, size_t size, size_t count, FILE *file) {
    REAL(fread);
    if (due_fd(READ, __func__, fileno(file)) > 0)
        return 0;
    return real(data, size, count, file);
}

#define NAMED(kind, folder, path)                                                                  \
    if (due_at(kind, __func__, folder, path) > 0)                                                  \
    return -1

DIR *opendir(const char *path) {
    REAL(opendir);
    if (due_at(READ, __func__, AT_FDCWD, path) > 0)
        return NULL;
    return real(path);
}

#define WRITABLE(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))

#define OPENING(folder, path, flags)                                                               \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                       \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode = va_arg(more, mode_t);                                                               \
        va_end(more);                                                                              \
    }                                                                                              \
    NAMED(WRITABLE(flags) ? CREATE : READ, folder, path)

int open(const char *path, int flags, ...) {
    REAL(open);
    OPENING(AT_FDCWD, path, flags);
    return real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    REAL(open64);
    OPENING(AT_FDCWD, path, flags);
    return real(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    REAL(openat);
    OPENING(folder, path, flags);
    return real(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    REAL(openat64);
    OPENING(folder, path, flags);
    return real(folder, path, flags, mode);
}

#define FOPENING(path, mode)                                                                       \
    if (due_at(strpbrk(mode, "wa+") ? CREATE : READ, __func__, AT_FDCWD, path) > 0)                \
    return NULL

FILE *fopen(const char *path, const char *mode) {
    REAL(fopen);
    FOPENING(path, mode);
    return real(path, mode);
}

FILE *fopen64(const char *path, const char *mode) {
    REAL(fopen64);
    FOPENING(path, mode);
    return real(path, mode);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    NAMED(CREATE, AT_FDCWD, path);
    return real(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    NAMED(CREATE, folder, path);
    return real(folder, path, mode);
}

int chmod(const char *path, mode_t mode) {
    REAL(chmod);
    NAMED(NAME, AT_FDCWD, path);
    return real(path, mode);
}

int fchmod(int fd, mode_t mode) {
    REAL(fchmod);
    FAILING(NAME, fd);
    return real(fd, mode);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    NAMED(NAME, AT_FDCWD, to);
    return real(from, to);
}

int renameat(int there, const char *from, int here, const char *to) {
    REAL(renameat);
    NAMED(NAME, here, to);
    return real(there, from, here, to);
}

int renameat2(int there, const char *from, int here, const char *to, unsigned how) {
    REAL(renameat2);
    NAMED(NAME, here, to);
    return real(there, from, here, to, how);
}

int link(const char *from, const char *to) {
    REAL(link);
    NAMED(NAME, AT_FDCWD, to);
    return real(from, to);
}

int symlink(const char *content, const char *path) {
    REAL(symlink);
    NAMED(NAME, AT_FDCWD, path);
    return real(content, path);
}

int unlink(const char *path) {
    REAL(unlink);
    NAMED(NAME, AT_FDCWD, path);
    return real(path);
}

int unlinkat(int folder, const char *path, int how) {
    REAL(unlinkat);
    NAMED(NAME, folder, path);
    return real(folder, path, how);
}

int rmdir(const char *path) {
    REAL(rmdir);
    NAMED(NAME, AT_FDCWD, path);
    return real(path);
}
