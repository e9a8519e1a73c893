/*
 * Loads and attaches the named programs of a BPF object, says so in the way that bpftrace does to its tests, waits to be
 * interrupted, and prints the sum of a per-CPU map's values as bpftrace would print a map in JSON.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEY 64

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int is_wanted(const char *name, char **wanted) {
  for (; *wanted; wanted++)
    if (strcmp(name, *wanted) == 0) return 1;
  return 0;
}

static unsigned long long sum_of(int map, int cpus) {
  unsigned long long sum = 0, *values = calloc(cpus, sizeof(*values));
  char key[MAX_KEY], *previous = NULL;
  while (bpf_map_get_next_key(map, previous, key) == 0) {
    if (bpf_map_lookup_elem(map, key, values) < 0) fail("lookup");
    for (int cpu = 0; cpu < cpus; cpu++) sum += values[cpu];
    previous = key;
  }
  free(values);
  return sum;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: load OBJECT MAP PROGRAM...\n");
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, NULL);

  struct bpf_object *object = bpf_object__open(argv[1]);
  if (!object) fail("open");
  struct bpf_program *program;
  bpf_object__for_each_program(program, object)
      bpf_program__set_autoload(program, is_wanted(bpf_program__name(program), argv + 3));
  if (bpf_object__load(object) < 0) fail("load");

  struct bpf_link *links[16];
  int attached = 0;
  for (char **name = argv + 3; *name && attached < 16; name++) {
    program = bpf_object__find_program_by_name(object, *name);
    if (!program || !(links[attached++] = bpf_program__attach(program))) fail(*name);
  }
  printf("__BPFTRACE_NOTIFY_PROBES_ATTACHED\n");
  fflush(stdout);

  int signal;
  sigwait(&ends, &signal);
  while (attached > 0) bpf_link__destroy(links[--attached]);
  struct bpf_map *map = bpf_object__find_map_by_name(object, argv[2]);
  if (!map || bpf_map__key_size(map) > MAX_KEY) fail(argv[2]);
  printf("{\"type\": \"map\", \"data\": {\"@\": %llu}}\n", sum_of(bpf_map__fd(map), libbpf_num_possible_cpus()));
  bpf_object__close(object);
  return 0;
}
