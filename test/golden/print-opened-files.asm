tracepoint:syscalls:sys_enter_openat { printf("%d %s\n", pid, str(args.filename)); }

sys_enter:
   0: (79) r2 = *(u64 *)(r1 +8)
   1: (55) if r2 != 0x101 goto pc+36
   2: (79) r6 = *(u64 *)(r1 +0)
   3: (18) r1 = 0x0
   5: (85) call bpf_get_current_ancestor_cgroup_id#123
   6: (18) r1 = 0x0
   8: (5d) if r0 != r1 goto pc+29
   9: (85) call bpf_get_current_pid_tgid#14
  10: (bf) r7 = r0
  11: (77) r7 >>= 32
  12: (18) r1 = map[fd:0]
  14: (b7) r2 = 1040
  15: (b7) r3 = 0
  16: (85) call bpf_ringbuf_reserve#131
  17: (15) if r0 == 0x0 goto pc+22
  18: (7a) *(u64 *)(r0 +0) = 0
  19: (63) *(u32 *)(r0 +8) = r7
  20: (79) r6 = *(u64 *)(r6 +104)
  21: (bf) r1 = r0
  22: (07) r1 += 12
  23: (72) *(u8 *)(r0 +12) = 0
  24: (bf) r7 = r0
  25: (b7) r2 = 1024
  26: (bf) r3 = r6
  27: (85) call bpf_probe_read_user_str#114
  28: (55) if r0 != 0x400 goto pc+6
  29: (bf) r1 = r7
  30: (07) r1 += 1035
  31: (07) r6 += 1023
  32: (b7) r2 = 1
  33: (bf) r3 = r6
  34: (85) call bpf_probe_read_user#112
  35: (bf) r1 = r7
  36: (b7) r2 = 0
  37: (85) call bpf_ringbuf_submit#132
  38: (b7) r0 = 0
  39: (95) exit
  40: (18) r1 = map[fd:0][0]+0
  42: (b7) r2 = 1
  43: (db) lock *(u64 *)(r1 +0) += r2
  44: (05) goto pc-7
