tracepoint:syscalls:sys_enter_openat { printf("%d %s\n", pid, str(args.filename)); }

sys_enter:
   0: (79) r2 = *(u64 *)(r1 +8)
   1: (55) if r2 != 0x101 goto pc+35
   2: (79) r6 = *(u64 *)(r1 +0)
   3: (18) r1 = 0x0
   5: (85) call bpf_get_current_ancestor_cgroup_id#123
   6: (18) r1 = 0x0
   8: (5d) if r0 != r1 goto pc+28
   9: (85) call bpf_get_current_task_btf#158
  10: (61) r7 = *(u32 *)(r0 +20)
  11: (18) r1 = map[fd:0]
  13: (b7) r2 = 1040
  14: (b7) r3 = 0
  15: (85) call bpf_ringbuf_reserve#131
  16: (15) if r0 == 0x0 goto pc+22
  17: (7a) *(u64 *)(r0 +0) = 0
  18: (63) *(u32 *)(r0 +8) = r7
  19: (79) r6 = *(u64 *)(r6 +104)
  20: (bf) r1 = r0
  21: (07) r1 += 12
  22: (72) *(u8 *)(r0 +12) = 0
  23: (bf) r7 = r0
  24: (b7) r2 = 1024
  25: (bf) r3 = r6
  26: (85) call bpf_probe_read_user_str#114
  27: (55) if r0 != 0x400 goto pc+6
  28: (bf) r1 = r7
  29: (07) r1 += 1035
  30: (07) r6 += 1023
  31: (b7) r2 = 1
  32: (bf) r3 = r6
  33: (85) call bpf_probe_read_user#112
  34: (bf) r1 = r7
  35: (b7) r2 = 0
  36: (85) call bpf_ringbuf_submit#132
  37: (b7) r0 = 0
  38: (95) exit
  39: (18) r1 = map[fd:0][0]+0
  41: (b7) r2 = 1
  42: (db) lock *(u64 *)(r1 +0) += r2
  43: (05) goto pc-7
