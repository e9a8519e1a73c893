tracepoint:syscalls:sys_enter_openat { printf("%d %s\n", pid, str(args.filename)); }

sys_enter:
   0: (79) r2 = *(u64 *)(r1 +8)
   1: (55) if r2 != 0x101 goto pc+37
   2: (bf) r6 = r1
   3: (18) r1 = 0x0
   5: (85) call bpf_get_current_ancestor_cgroup_id#123
   6: (18) r1 = 0x0
   8: (5d) if r0 != r1 goto pc+30
   9: (85) call bpf_get_current_pid_tgid#14
  10: (bf) r7 = r0
  11: (18) r1 = map[fd:0]
  13: (b7) r2 = 1040
  14: (b7) r3 = 0
  15: (85) call bpf_ringbuf_reserve#131
  16: (15) if r0 == 0x0 goto pc+24
  17: (79) r1 = *(u64 *)(r6 +0)
  18: (77) r7 >>= 32
  19: (7a) *(u64 *)(r0 +0) = 0
  20: (63) *(u32 *)(r0 +8) = r7
  21: (79) r6 = *(u64 *)(r1 +104)
  22: (bf) r1 = r0
  23: (07) r1 += 12
  24: (72) *(u8 *)(r0 +12) = 0
  25: (bf) r7 = r0
  26: (b7) r2 = 1024
  27: (bf) r3 = r6
  28: (85) call bpf_probe_read_user_str#114
  29: (55) if r0 != 0x400 goto pc+6
  30: (bf) r1 = r7
  31: (07) r1 += 1035
  32: (07) r6 += 1023
  33: (b7) r2 = 1
  34: (bf) r3 = r6
  35: (85) call bpf_probe_read_user#112
  36: (bf) r1 = r7
  37: (b7) r2 = 0
  38: (85) call bpf_ringbuf_submit#132
  39: (b7) r0 = 0
  40: (95) exit
  41: (18) r1 = map[fd:0][0]+0
  43: (b7) r2 = 1
  44: (db) lock *(u64 *)(r1 +0) += r2
  45: (05) goto pc-7
