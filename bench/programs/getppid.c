/*
 * The workload whose every event is the same: batches of getppid(2) on one processor. Says that it has begun; then prints
 * how many calls were made in all and how many nanoseconds one took, as the median over the batches, so that a batch that
 * was preempted does not count.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void run_batch(long calls) {
  for (long i = 0; i < calls; i++) syscall(SYS_getppid);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The last processor that we may use: interrupts and everything else tend towards the first. */
static int pin_to_last_cpu(void) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0) return -1;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&allowed);
    CPU_SET(cpu, &allowed);
    return sched_setaffinity(0, sizeof(allowed), &allowed);
  }
  return -1;
}

int main(int argc, char **argv) {
  long batches = argc > 1 ? atol(argv[1]) : 0;
  long calls = argc > 2 ? atol(argv[2]) : 0;
  if (batches < 1 || calls < 1) {
    fprintf(stderr, "usage: getppid BATCHES CALLS_PER_BATCH\n");
    return 2;
  }
  double *ns = malloc(batches * sizeof(*ns));
  if (ns == NULL || pin_to_last_cpu() < 0) {
    perror("getppid");
    return 1;
  }
  puts("loop");
  fflush(stdout);
  long warmup = batches / 10 + 1;
  for (long i = 0; i < warmup; i++) run_batch(calls);
  for (long i = 0; i < batches; i++) {
    double start = now_ns();
    run_batch(calls);
    ns[i] = (now_ns() - start) / calls;
  }
  qsort(ns, batches, sizeof(*ns), ascending);
  printf("loop %ld %.3f\n", (warmup + batches) * calls, ns[batches / 2]);
  return 0;
}
