tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
    tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }

sys_enter:
   0: (79) r1 = *(u64 *)(r1 +8)
   1: (55) if r1 != 0x0 goto pc+33
   2: (18) r1 = 0x0
   4: (85) call bpf_get_current_ancestor_cgroup_id#123
   5: (18) r1 = 0x0
   7: (5d) if r0 != r1 goto pc+27
   8: (85) call bpf_ktime_get_boot_ns#125
   9: (bf) r6 = r0
  10: (85) call bpf_get_current_task_btf#158
  11: (61) r1 = *(u32 *)(r0 +16)
  12: (63) *(u32 *)(r10 -24) = r1
  13: (18) r1 = map[fd:0]
  15: (bf) r2 = r10
  16: (07) r2 += -24
  17: (85) call bpf_map_lookup_elem#1
  18: (15) if r0 == 0x0 goto pc+18
  19: (79) r1 = *(u64 *)(r0 +8)
  20: (55) if r1 != 0x0 goto pc+12
  21: (bf) r7 = r0
  22: (85) call bpf_get_smp_processor_id#8
  23: (57) r0 &= 3
  24: (27) r0 *= 576
  25: (18) r1 = map[fd:0][0]+0
  27: (0f) r1 += r0
  28: (79) r2 = *(u64 *)(r1 +0)
  29: (07) r2 += -1
  30: (7b) *(u64 *)(r1 +0) = r2
  31: (7a) *(u64 *)(r7 +8) = 1
  32: (05) goto pc+1
  33: (bf) r7 = r0
  34: (7b) *(u64 *)(r7 +0) = r6
  35: (b7) r0 = 0
  36: (95) exit
  37: (7b) *(u64 *)(r10 -16) = r6
  38: (7a) *(u64 *)(r10 -8) = 1
  39: (18) r1 = map[fd:0]
  41: (bf) r2 = r10
  42: (07) r2 += -24
  43: (bf) r3 = r10
  44: (07) r3 += -16
  45: (b7) r4 = 0
  46: (85) call bpf_map_update_elem#2
  47: (15) if r0 == 0x0 goto pc-13
  48: (18) r1 = map[fd:0][0]+16
  50: (b7) r2 = 1
  51: (db) lock *(u64 *)(r1 +0) += r2
  52: (05) goto pc-18

sys_exit:
   0: (79) r1 = *(u64 *)(r1 +0)
   1: (79) r1 = *(u64 *)(r1 +120)
   2: (55) if r1 != 0x0 goto pc+73
   3: (18) r1 = 0x0
   5: (85) call bpf_get_current_ancestor_cgroup_id#123
   6: (18) r1 = 0x0
   8: (5d) if r0 != r1 goto pc+67
   9: (85) call bpf_get_current_task_btf#158
  10: (61) r1 = *(u32 *)(r0 +16)
  11: (63) *(u32 *)(r10 -8) = r1
  12: (18) r1 = map[fd:0]
  14: (bf) r2 = r10
  15: (07) r2 += -8
  16: (85) call bpf_map_lookup_elem#1
  17: (15) if r0 == 0x0 goto pc+58
  18: (79) r6 = *(u64 *)(r0 +0)
  19: (15) if r6 == 0x0 goto pc+56
  20: (bf) r7 = r0
  21: (85) call bpf_ktime_get_boot_ns#125
  22: (bf) r8 = r0
  23: (1f) r8 -= r6
  24: (85) call bpf_get_smp_processor_id#8
  25: (57) r0 &= 3
  26: (27) r0 *= 576
  27: (18) r1 = map[fd:0][0]+0
  29: (0f) r1 += r0
  30: (c5) if r8 s< 0x0 goto pc+50
  31: (15) if r8 == 0x0 goto pc+46
  32: (18) r2 = 0x100000000
  34: (ad) if r8 < r2 goto pc+3
  35: (77) r8 >>= 32
  36: (b7) r2 = 32
  37: (05) goto pc+1
  38: (b7) r2 = 0
  39: (a5) if r8 < 0x10000 goto pc+2
  40: (77) r8 >>= 16
  41: (07) r2 += 16
  42: (a5) if r8 < 0x100 goto pc+2
  43: (77) r8 >>= 8
  44: (07) r2 += 8
  45: (a5) if r8 < 0x10 goto pc+2
  46: (77) r8 >>= 4
  47: (07) r2 += 4
  48: (a5) if r8 < 0x4 goto pc+2
  49: (77) r8 >>= 2
  50: (07) r2 += 2
  51: (a5) if r8 < 0x2 goto pc+1
  52: (07) r2 += 1
  53: (07) r2 += 2
  54: (35) if r2 >= 0x41 goto pc+7
  55: (bf) r3 = r1
  56: (07) r3 += 8
  57: (67) r2 <<= 3
  58: (0f) r3 += r2
  59: (79) r2 = *(u64 *)(r3 +0)
  60: (07) r2 += 1
  61: (7b) *(u64 *)(r3 +0) = r2
  62: (79) r2 = *(u64 *)(r7 +8)
  63: (15) if r2 == 0x0 goto pc+12
  64: (79) r2 = *(u64 *)(r1 +0)
  65: (c5) if r2 s< 0x100 goto pc+6
  66: (18) r1 = map[fd:0]
  68: (bf) r2 = r10
  69: (07) r2 += -8
  70: (85) call bpf_map_delete_elem#3
  71: (05) goto pc+4
  72: (07) r2 += 1
  73: (7b) *(u64 *)(r1 +0) = r2
  74: (7a) *(u64 *)(r7 +0) = 0
  75: (7a) *(u64 *)(r7 +8) = 0
  76: (b7) r0 = 0
  77: (95) exit
  78: (bf) r2 = r8
  79: (07) r2 += 1
  80: (05) goto pc-27
  81: (b7) r2 = 0
  82: (05) goto pc-29
