/* A world that a test can spoil: loaded before the C library (LD_PRELOAD), it makes syncs fail while
 * the file named by SYNC_FAILS is there, and shifts the wall clock by as many seconds as the file
 * named by CLOCK_AHEAD says. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = (int)syscall(SYS_clock_gettime, clock, time);
    const char *name = clock == CLOCK_REALTIME ? getenv("CLOCK_AHEAD") : NULL;
    FILE *file = name != NULL ? fopen(name, "r") : NULL;
    long ahead = 0;
    if (file != NULL) {
        if (fscanf(file, "%ld", &ahead) == 1 && done == 0) time->tv_sec += ahead;
        fclose(file);
    }
    return done;
}
