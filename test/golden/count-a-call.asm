tracepoint:syscalls:sys_enter_getppid { @ = count(); }

sys_enter:
   0: (79) r1 = *(u64 *)(r1 +8)
   1: (55) if r1 != 0x6e goto pc+15
   2: (18) r1 = 0x0
   4: (85) call bpf_get_current_ancestor_cgroup_id#123
   5: (18) r1 = 0x0
   7: (5d) if r0 != r1 goto pc+9
   8: (85) call bpf_get_smp_processor_id#8
   9: (57) r0 &= 3
  10: (67) r0 <<= 6
  11: (18) r1 = map[fd:0][0]+0
  13: (0f) r1 += r0
  14: (79) r2 = *(u64 *)(r1 +0)
  15: (07) r2 += 1
  16: (7b) *(u64 *)(r1 +0) = r2
  17: (b7) r0 = 0
  18: (95) exit
