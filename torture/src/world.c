/* Faults for tests. Loaded before the C library (LD_PRELOAD), this makes syncs fail while the file named by
 * SYNC_FAILS exists, and shifts the wall clock by the milliseconds in the eight bytes of the file named by
 * CLOCK_AHEAD, which may change at any time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int fails(void) {
    const char *sign = getenv("SYNC_FAILS");
    return sign != NULL && access(sign, F_OK) == 0;
}

static int synced(long call, int file) {
    if (fails()) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, file);
}

int fsync(int file) { return synced(SYS_fsync, file); }

int fdatasync(int file) { return synced(SYS_fdatasync, file); }

static const int64_t *ahead;

/* Clocks are read too often to open a file each time. */
__attribute__((constructor)) static void look(void) {
    const char *name = getenv("CLOCK_AHEAD");
    int file = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) ahead = shared;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock != CLOCK_REALTIME || ahead == NULL || done != 0) return done;
    int64_t shift = __atomic_load_n(ahead, __ATOMIC_RELAXED);
    int64_t nanos = time->tv_nsec + (shift % 1000) * 1000000;
    time->tv_sec += shift / 1000;
    if (nanos < 0) { nanos += 1000000000; time->tv_sec -= 1; }
    if (nanos >= 1000000000) { nanos -= 1000000000; time->tv_sec += 1; }
    time->tv_nsec = nanos;
    return done;
}
