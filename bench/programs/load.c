/*
 * Loads and attaches the named programs of a BPF object, runs a command under them, and prints the sum of a per-CPU map's
 * values as bpftrace would print a map in JSON. With --wait the command is not run: the programs stay until an interrupt.
 * Of a map that is a ring buffer the events are printed as they come until then.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_KEY 1024
#define MAX_PROGRAMS 8

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int is_wanted(const char *name, char **wanted, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(name, wanted[i]) == 0) return 1;
  return 0;
}

/* Where a program's section does not say it all: uprobes are on the function `work` of the command. */
static struct bpf_link *attach(struct bpf_program *program, const char *executable) {
  LIBBPF_OPTS(bpf_uprobe_opts, options, .func_name = "work");
  if (strcmp(bpf_program__section_name(program), "uprobe") != 0) return bpf_program__attach(program);
  return bpf_program__attach_uprobe_opts(program, -1, executable, 0, &options);
}

static void run(char **command) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    execv(command[0], command);
    _exit(127);
  }
  if (child < 0 || waitpid(child, &status, 0) < 0) fail(command[0]);
  if (status != 0) {
    fprintf(stderr, "load: %s failed\n", command[0]);
    exit(1);
  }
}

static void wait_for_interrupt(sigset_t *interrupt) {
  int signal;
  sigwait(interrupt, &signal);
}

/* As the programs send it. */
struct opening {
  unsigned pid;
  int result;
  char comm[16];
  char path[1024];
};

static int print_opening(void *context, void *data, size_t size) {
  const struct opening *event = data;
  (void)context, (void)size;
  printf("%-6u %-16s %4d %s\n", event->pid, event->comm, event->result, event->path);
  return 0;
}

static volatile sig_atomic_t interrupted;
static void on_interrupt(int signal) {
  (void)signal;
  interrupted = 1;
}

static void print_until_interrupt(int map, sigset_t *interrupt) {
  struct ring_buffer *buffer = ring_buffer__new(map, print_opening, NULL, NULL);
  struct sigaction action = {.sa_handler = on_interrupt};
  if (!buffer || sigaction(SIGINT, &action, NULL) < 0) fail("ring buffer");
  sigprocmask(SIG_UNBLOCK, interrupt, NULL);
  while (!interrupted) ring_buffer__poll(buffer, 100);
  ring_buffer__consume(buffer);
  ring_buffer__free(buffer);
}

/* Of all words of all values: those of a histogram are its buckets. */
static unsigned long long sum_of(const struct bpf_map *map, int cpus) {
  size_t words = cpus * bpf_map__value_size(map) / sizeof(unsigned long long);
  unsigned long long sum = 0, *values = calloc(words, sizeof(*values));
  char key[MAX_KEY], *previous = NULL;
  while (bpf_map_get_next_key(bpf_map__fd(map), previous, key) == 0) {
    if (bpf_map_lookup_elem(bpf_map__fd(map), key, values) < 0) fail("lookup");
    for (size_t i = 0; i < words; i++) sum += values[i];
    previous = key;
  }
  free(values);
  return sum;
}

int main(int argc, char **argv) {
  int waits = argc > 1 && strcmp(argv[1], "--wait") == 0, end = 3;
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  if (waits) {
    sigprocmask(SIG_BLOCK, &interrupt, NULL);
    argc--, argv++;
  }
  while (end < argc && strcmp(argv[end], "--") != 0) end++;
  char **wanted = argv + 3, **command = argv + end + 1;
  int count = end - 3;
  if (count < 1 || count > MAX_PROGRAMS || end + 1 >= argc) {
    fprintf(stderr, "usage: load [--wait] OBJECT MAP PROGRAM... -- COMMAND [ARGUMENT]...\n");
    return 2;
  }
  struct bpf_object *object = bpf_object__open(argv[1]);
  if (!object) fail("open");
  struct bpf_program *program;
  bpf_object__for_each_program(program, object)
      bpf_program__set_autoload(program, is_wanted(bpf_program__name(program), wanted, count));
  if (bpf_object__load(object) < 0) fail("load");

  struct bpf_link *links[MAX_PROGRAMS];
  for (int i = 0; i < count; i++) {
    program = bpf_object__find_program_by_name(object, wanted[i]);
    if (!program || !(links[i] = attach(program, command[0]))) fail(wanted[i]);
  }
  struct bpf_map *map = bpf_object__find_map_by_name(object, argv[2]);
  if (!map || bpf_map__key_size(map) > MAX_KEY) fail(argv[2]);
  int prints = bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF;
  if (prints)
    print_until_interrupt(bpf_map__fd(map), &interrupt);
  else if (waits)
    wait_for_interrupt(&interrupt);
  else
    run(command);
  for (int i = 0; i < count; i++) bpf_link__destroy(links[i]);

  if (!prints)
    printf("{\"type\": \"map\", \"data\": {\"@\": %llu}}\n", sum_of(map, libbpf_num_possible_cpus()));
  bpf_object__close(object);
  return 0;
}
