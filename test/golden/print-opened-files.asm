tracepoint:syscalls:sys_enter_openat { printf("%d %s\n", pid, str(args.filename)); }

sys_enter_opena:
   0: (bf) r6 = r1
   1: (18) r1 = 0x0
   3: (85) call bpf_get_current_ancestor_cgroup_id#123
   4: (18) r1 = 0x0
   6: (5d) if r0 != r1 goto pc+28
   7: (85) call bpf_get_current_task_btf#158
   8: (61) r7 = *(u32 *)(r0 +20)
   9: (18) r1 = map[fd:0]
  11: (b7) r2 = 1040
  12: (b7) r3 = 0
  13: (85) call bpf_ringbuf_reserve#131
  14: (15) if r0 == 0x0 goto pc+22
  15: (7a) *(u64 *)(r0 +0) = 0
  16: (63) *(u32 *)(r0 +8) = r7
  17: (79) r6 = *(u64 *)(r6 +24)
  18: (bf) r1 = r0
  19: (07) r1 += 12
  20: (72) *(u8 *)(r0 +12) = 0
  21: (bf) r7 = r0
  22: (b7) r2 = 1024
  23: (bf) r3 = r6
  24: (85) call bpf_probe_read_user_str#114
  25: (55) if r0 != 0x400 goto pc+6
  26: (bf) r1 = r7
  27: (07) r1 += 1035
  28: (07) r6 += 1023
  29: (b7) r2 = 1
  30: (bf) r3 = r6
  31: (85) call bpf_probe_read_user#112
  32: (bf) r1 = r7
  33: (b7) r2 = 0
  34: (85) call bpf_ringbuf_submit#132
  35: (b7) r0 = 0
  36: (95) exit
  37: (18) r1 = map[fd:0][0]+0
  39: (b7) r2 = 1
  40: (db) lock *(u64 *)(r1 +0) += r2
  41: (05) goto pc-7
