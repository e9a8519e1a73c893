tracepoint:syscalls:sys_enter_getppid { @[pid] = count(); }

sys_enter:
   0: (79) r1 = *(u64 *)(r1 +8)
   1: (55) if r1 != 0x6e goto pc+44
   2: (18) r1 = 0x0
   4: (85) call bpf_get_current_ancestor_cgroup_id#123
   5: (18) r1 = 0x0
   7: (5d) if r0 != r1 goto pc+38
   8: (85) call bpf_get_current_task_btf#158
   9: (61) r6 = *(u32 *)(r0 +20)
  10: (85) call bpf_get_smp_processor_id#8
  11: (57) r0 &= 3
  12: (67) r0 <<= 13
  13: (18) r1 = map[fd:0][0]+0
  15: (0f) r1 += r0
  16: (18) r2 = 0x9e3779b97f4a7c15
  18: (2f) r2 *= r6
  19: (77) r2 >>= 40
  20: (57) r2 &= 511
  21: (67) r2 <<= 4
  22: (0f) r1 += r2
  23: (bf) r2 = r6
  24: (07) r2 += 1
  25: (79) r3 = *(u64 *)(r1 +0)
  26: (1d) if r3 == r2 goto pc+16
  27: (15) if r3 == 0x0 goto pc+8
  28: (63) *(u32 *)(r10 -8) = r6
  29: (18) r1 = map[fd:0]
  31: (bf) r2 = r10
  32: (07) r2 += -8
  33: (85) call bpf_map_lookup_elem#1
  34: (55) if r0 != 0x0 goto pc+4
  35: (05) goto pc+12
  36: (7a) *(u64 *)(r1 +8) = 0
  37: (7b) *(u64 *)(r1 +0) = r2
  38: (05) goto pc+4
  39: (79) r1 = *(u64 *)(r0 +0)
  40: (07) r1 += 1
  41: (7b) *(u64 *)(r0 +0) = r1
  42: (05) goto pc+3
  43: (bf) r0 = r1
  44: (07) r0 += 8
  45: (05) goto pc-7
  46: (b7) r0 = 0
  47: (95) exit
  48: (18) r1 = map[fd:0]
  50: (bf) r2 = r10
  51: (07) r2 += -8
  52: (18) r3 = map[fd:0][0]+0
  54: (b7) r4 = 1
  55: (85) call bpf_map_update_elem#2
  56: (bf) r6 = r0
  57: (18) r1 = map[fd:0]
  59: (bf) r2 = r10
  60: (07) r2 += -8
  61: (85) call bpf_map_lookup_elem#1
  62: (55) if r0 != 0x0 goto pc-24
  63: (57) r6 &= 127
  64: (67) r6 <<= 3
  65: (18) r1 = map[fd:0][0]+3088
  67: (0f) r1 += r6
  68: (b7) r2 = 1
  69: (db) lock *(u64 *)(r1 +0) += r2
  70: (05) goto pc-25
