tracepoint:syscalls:sys_enter_openat { printf("%d %s\n", pid, str(args.filename)); }

sys_enter_opena:
   0: (bf) r6 = r1
   1: (18) r1 = 0x0
   3: (85) call bpf_get_current_ancestor_cgroup_id#123
   4: (18) r1 = 0x0
   6: (5d) if r0 != r1 goto pc+29
   7: (85) call bpf_get_current_pid_tgid#14
   8: (bf) r7 = r0
   9: (77) r7 >>= 32
  10: (18) r1 = map[fd:0]
  12: (b7) r2 = 1040
  13: (b7) r3 = 0
  14: (85) call bpf_ringbuf_reserve#131
  15: (15) if r0 == 0x0 goto pc+22
  16: (7a) *(u64 *)(r0 +0) = 0
  17: (63) *(u32 *)(r0 +8) = r7
  18: (79) r6 = *(u64 *)(r6 +24)
  19: (bf) r1 = r0
  20: (07) r1 += 12
  21: (72) *(u8 *)(r0 +12) = 0
  22: (bf) r7 = r0
  23: (b7) r2 = 1024
  24: (bf) r3 = r6
  25: (85) call bpf_probe_read_user_str#114
  26: (55) if r0 != 0x400 goto pc+6
  27: (bf) r1 = r7
  28: (07) r1 += 1035
  29: (07) r6 += 1023
  30: (b7) r2 = 1
  31: (bf) r3 = r6
  32: (85) call bpf_probe_read_user#112
  33: (bf) r1 = r7
  34: (b7) r2 = 0
  35: (85) call bpf_ringbuf_submit#132
  36: (b7) r0 = 0
  37: (95) exit
  38: (18) r1 = map[fd:0][0]+0
  40: (b7) r2 = 1
  41: (db) lock *(u64 *)(r1 +0) += r2
  42: (05) goto pc-7
