/* A wrong clock, for LD_PRELOAD: CLOCK_AT is the time in seconds since 1970, and with CLOCK_STEP it moves by as many at each look. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long long now(void) {
  static _Atomic long long looks;
  const char *step = getenv("CLOCK_STEP");
  return atoll(getenv("CLOCK_AT")) + (step ? atoll(step) * looks++ : 0);
}

int clock_gettime(clockid_t clock, struct timespec *found) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  if (clock != CLOCK_REALTIME || !getenv("CLOCK_AT")) return real(clock, found);
  found->tv_sec = now();
  found->tv_nsec = 0;
  return 0;
}

time_t time(time_t *found) {
  struct timespec read;
  clock_gettime(CLOCK_REALTIME, &read);
  if (found) *found = read.tv_sec;
  return read.tv_sec;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone) {
  struct timespec read;
  clock_gettime(CLOCK_REALTIME, &read);
  found->tv_sec = read.tv_sec;
  found->tv_usec = 0;
  return 0;
}
