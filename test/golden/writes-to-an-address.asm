watchpoint:0x10000000:8:w { @ = count(); }

watchpoint:
   0: (18) r1 = 0x0
   2: (85) call bpf_get_current_ancestor_cgroup_id#123
   3: (18) r1 = 0x0
   5: (5d) if r0 != r1 goto pc+9
   6: (85) call bpf_get_smp_processor_id#8
   7: (57) r0 &= 3
   8: (67) r0 <<= 6
   9: (18) r1 = map[fd:0][0]+0
  11: (0f) r1 += r0
  12: (79) r2 = *(u64 *)(r1 +0)
  13: (07) r2 += 1
  14: (7b) *(u64 *)(r1 +0) = r2
  15: (b7) r0 = 0
  16: (95) exit
