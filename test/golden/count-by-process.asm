tracepoint:syscalls:sys_enter_getppid { @[pid] = count(); }

sys_enter:
   0: (79) r1 = *(u64 *)(r1 +8)
   1: (55) if r1 != 0x6e goto pc+18
   2: (18) r1 = 0x0
   4: (85) call bpf_get_current_ancestor_cgroup_id#123
   5: (18) r1 = 0x0
   7: (5d) if r0 != r1 goto pc+12
   8: (85) call bpf_get_current_task_btf#158
   9: (61) r1 = *(u32 *)(r0 +20)
  10: (63) *(u32 *)(r10 -8) = r1
  11: (18) r1 = map[fd:0]
  13: (bf) r2 = r10
  14: (07) r2 += -8
  15: (85) call bpf_map_lookup_elem#1
  16: (15) if r0 == 0x0 goto pc+5
  17: (79) r1 = *(u64 *)(r0 +0)
  18: (07) r1 += 1
  19: (7b) *(u64 *)(r0 +0) = r1
  20: (b7) r0 = 0
  21: (95) exit
  22: (18) r1 = map[fd:0]
  24: (bf) r2 = r10
  25: (07) r2 += -8
  26: (18) r3 = map[fd:0][0]+0
  28: (b7) r4 = 1
  29: (85) call bpf_map_update_elem#2
  30: (18) r1 = map[fd:0]
  32: (bf) r2 = r10
  33: (07) r2 += -8
  34: (85) call bpf_map_lookup_elem#1
  35: (55) if r0 != 0x0 goto pc-19
  36: (18) r1 = map[fd:0][0]+16
  38: (b7) r2 = 1
  39: (db) lock *(u64 *)(r1 +0) += r2
  40: (05) goto pc-21
