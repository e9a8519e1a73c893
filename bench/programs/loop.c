/*
 * Workloads whose every event is the same: batches of one operation on one processor. Says that it has begun; then prints how
 * often the operation was done in all and how many nanoseconds one took, as the median over the batches, so that a batch that
 * was preempted does not count.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__
#define SAVED "rbx"
#else
#define SAVED "x19"
#endif

static int file, request[2], response[2];
static char buffer[512];

/* For a uprobe: begins as most functions do, by saving a register, and is kept from being inlined. */
__attribute__((noinline)) void work(void) { __asm__ volatile("" : : : SAVED); }

static void do_getppid(void) { syscall(SYS_getppid); }
static void do_call(void) { work(); }

static void do_open(void) { close(openat(AT_FDCWD, "/dev/null", O_RDONLY)); }

static void begin_read(void) { file = open("/dev/zero", O_RDONLY); }
static void do_read(void) {
  if (read(file, buffer, sizeof(buffer)) != sizeof(buffer)) exit(1);
}

/* There and back again: another process on the same processor answers each byte. */
static void begin_switch(void) {
  char byte;
  if (pipe(request) < 0 || pipe(response) < 0) exit(1);
  pid_t parent = getpid(), child = fork();
  if (child < 0) exit(1);
  if (child > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  while (read(request[0], &byte, 1) == 1 && write(response[1], &byte, 1) == 1) {
  }
  _exit(0);
}
static void do_switch(void) {
  char byte = 0;
  if (write(request[1], &byte, 1) != 1 || read(response[0], &byte, 1) != 1) exit(1);
}

static void begin_nothing(void) {}

static const struct operation {
  const char *name;
  void (*begin)(void);
  void (*once)(void);
} operations[] = {
    {"getppid", begin_nothing, do_getppid}, {"open", begin_nothing, do_open}, {"read", begin_read, do_read},
    {"switch", begin_switch, do_switch},    {"call", begin_nothing, do_call},
};

static const struct operation *find(const char *name) {
  for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
    if (strcmp(operations[i].name, name) == 0) return &operations[i];
  return NULL;
}

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void run_batch(void (*once)(void), long calls) {
  for (long i = 0; i < calls; i++) once();
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
  const struct operation *operation = argc > 1 ? find(argv[1]) : NULL;
  long batches = argc > 2 ? atol(argv[2]) : 0;
  long calls = argc > 3 ? atol(argv[3]) : 0;
  long pause_us = argc > 4 ? atol(argv[4]) : 0;
  if (operation == NULL || batches < 1 || calls < 1) {
    fprintf(stderr, "usage: loop OPERATION BATCHES CALLS_PER_BATCH [MICROSECONDS_BETWEEN_BATCHES]\n");
    return 2;
  }
  double *ns = malloc(batches * sizeof(*ns));
  if (ns == NULL || pin_to_last_cpu() < 0) {
    perror("loop");
    return 1;
  }
  operation->begin();
  puts("loop");
  fflush(stdout);
  long warmup = batches / 10 + 1;
  for (long i = 0; i < warmup; i++) {
    run_batch(operation->once, calls);
    if (pause_us > 0) usleep(pause_us);
  }
  for (long i = 0; i < batches; i++) {
    double start = now_ns();
    run_batch(operation->once, calls);
    ns[i] = (now_ns() - start) / calls;
    if (pause_us > 0) usleep(pause_us);
  }
  qsort(ns, batches, sizeof(*ns), ascending);
  printf("loop %ld %.3f\n", (warmup + batches) * calls, ns[batches / 2]);
  return 0;
}
