/** Whole scripts, written as people write them; the tests print them, parse them again, and break them. */
export const SCRIPTS: readonly string[] = [
  `#!/usr/bin/env probewright
/*
 * readlat - latency of reads,   by process.
 *   indented text
 */

#include <linux/fs.h>
#define MIN_NS 1000   // shorter ones are noise
struct pair {
  int first;   /* one */
  int second;
};

config = {
  stack_mode = perf;   // as perf script does
  max_map_keys = 1_000
}

import "common.bt";

let @start = lruhash(10000);

BEGIN { printf("Tracing reads... Hit Ctrl-C to end.\\n"); }

tracepoint:syscalls:sys_enter_read, // the way in
tracepoint:syscalls:sys_enter_pread64
/pid != 0/
{
	@start[tid] = nsecs;   // remembered until the exit


	// two blank lines above become one
	@count++
}

tracepoint:syscalls:sys_exit_read,tracepoint:syscalls:sys_exit_pread64 /@start[tid]/ {
  $lat = nsecs - @start[tid];
  if ($lat > MIN_NS) {
    @ns[comm] = hist($lat); // per process
  } else if ($lat < 0) { @odd++; }
  else { @short = count() }
  delete(@start, tid);
}

interval:s:5 { print(@ns, 10); clear(@ns); }

END { clear(@start); /* nothing to print */ }
// the end
`,
  `kprobe:tcp_set_state /args->newstate == 1 && (@birth[arg0] == 0 || comm != "sshd")/ {
  $sk = (struct sock *)arg0;
  let $family: uint16 = $sk->__sk_common.skc_family;
  unroll (3) { @tries[$family, $sk->__sk_common.skc_num] += 1; }
  while ($family < 10) { $family++; if ($family == 5) { break; } continue; }
  for ($kv : @tries) { printf("%d %d: %d\\n", $kv.0.0, $kv.0.1, $kv.1); }
  for ($cpu : 0..ncpus) { @cpus[$cpu] = $cpu / 2 % 3; }
  $name = $family == 2 ? "inet" : $family == 10 ? "inet6" : "other";
  @seen[$name, (uint8)(arg1 & 0xff)] = (pid, comm, (a=1, b="x")).2.a;
  return;
}
`,
  `macro twice(x) { let $y = x; $y + $y }
macro bump($a, @m, by) { $a += by; @m[$a] = count(); }
fn add($a : int64, $b : int64) : int64 { return $a + $b; }
uprobe:/bin/bash:"foo::bar(int, char *)",
uprobe:/usr/lib/lib*.so:$1 { $x = twice(2 * 3); bump($x, @m, { f(); 4 }); print(add($x, -1)); }
usdt:./server:ns:request { $kind = if (arg0 == 0) { "get" } else if arg0 == 1 { "put" } else { "?" }; @[$kind] = sum(arg1); }
uprobe:./a.out@main.c:12:3 { _ = strcontains(str(arg0), "a/b"); }
`,
  `profile:hz:99 { @[kstack(perf, 5), ustack, comm] = count(); }
software:faults:100 { @faults[pid] = lhist(elapsed / 1ms, 0, 1000, 100); }
i:1s { $t = (1, (2, 3)); print($t.1.0 << 2 | 1 & ~7 ^ !0); exit(); }
self:signal:SIGUSR1 { print(sizeof(struct task_struct) + offsetof(struct task_struct, pid)); $p = *(uint64 *)kaddr("x"); }
BEGIN{@a=1;@b=2;@a-=@b;@b<<=1;++@a;@b--;$q=-(-1);$r=@a?:5;$s=&$q;$v=&@a}
`,
  `/* one */ BEGIN /* two */ /* three */ { /* four */ f( /* five */ 1, // six
    2 /* seven */ ); /* eight */ } // nine

/* ten */
// eleven
kprobe:a, // twelve
/* thirteen */ kprobe:b // fourteen
/ /* fifteen */ 1 /* sixteen */ / /* seventeen */
{ // eighteen
  if /* nineteen */ (1) /* twenty */ { } // twenty-one
  else /* twenty-two */ { // twenty-three
  }
  $x = 1 + // twenty-four
    2; @y[1 /* twenty-five */, 2] /* twenty-six */ = /* twenty-seven */ 3 /* twenty-eight */;
  // twenty-nine

  // thirty
}
`,
];
