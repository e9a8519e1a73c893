tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
    tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }

sys_enter:
   0: (79) r1 = *(u64 *)(r1 +8)
   1: (55) if r1 != 0x0 goto pc+32
   2: (18) r1 = 0x0
   4: (85) call bpf_get_current_ancestor_cgroup_id#123
   5: (18) r1 = 0x0
   7: (5d) if r0 != r1 goto pc+26
   8: (85) call bpf_ktime_get_boot_ns#125
   9: (bf) r6 = r0
  10: (85) call bpf_get_current_pid_tgid#14
  11: (63) *(u32 *)(r10 -24) = r0
  12: (18) r1 = map[fd:0]
  14: (bf) r2 = r10
  15: (07) r2 += -24
  16: (85) call bpf_map_lookup_elem#1
  17: (15) if r0 == 0x0 goto pc+18
  18: (79) r1 = *(u64 *)(r0 +8)
  19: (55) if r1 != 0x0 goto pc+12
  20: (bf) r7 = r0
  21: (85) call bpf_get_smp_processor_id#8
  22: (57) r0 &= 3
  23: (27) r0 *= 576
  24: (18) r1 = map[fd:0][0]+0
  26: (0f) r1 += r0
  27: (79) r2 = *(u64 *)(r1 +0)
  28: (07) r2 += -1
  29: (7b) *(u64 *)(r1 +0) = r2
  30: (7a) *(u64 *)(r7 +8) = 1
  31: (05) goto pc+1
  32: (bf) r7 = r0
  33: (7b) *(u64 *)(r7 +0) = r6
  34: (b7) r0 = 0
  35: (95) exit
  36: (7b) *(u64 *)(r10 -16) = r6
  37: (7a) *(u64 *)(r10 -8) = 1
  38: (18) r1 = map[fd:0]
  40: (bf) r2 = r10
  41: (07) r2 += -24
  42: (bf) r3 = r10
  43: (07) r3 += -16
  44: (b7) r4 = 0
  45: (85) call bpf_map_update_elem#2
  46: (15) if r0 == 0x0 goto pc-13
  47: (18) r1 = map[fd:0][0]+16
  49: (b7) r2 = 1
  50: (db) lock *(u64 *)(r1 +0) += r2
  51: (05) goto pc-18

sys_exit:
   0: (79) r1 = *(u64 *)(r1 +0)
   1: (79) r1 = *(u64 *)(r1 +120)
   2: (55) if r1 != 0x0 goto pc+72
   3: (18) r1 = 0x0
   5: (85) call bpf_get_current_ancestor_cgroup_id#123
   6: (18) r1 = 0x0
   8: (5d) if r0 != r1 goto pc+66
   9: (85) call bpf_get_current_pid_tgid#14
  10: (63) *(u32 *)(r10 -8) = r0
  11: (18) r1 = map[fd:0]
  13: (bf) r2 = r10
  14: (07) r2 += -8
  15: (85) call bpf_map_lookup_elem#1
  16: (15) if r0 == 0x0 goto pc+58
  17: (79) r6 = *(u64 *)(r0 +0)
  18: (15) if r6 == 0x0 goto pc+56
  19: (bf) r7 = r0
  20: (85) call bpf_ktime_get_boot_ns#125
  21: (bf) r8 = r0
  22: (1f) r8 -= r6
  23: (85) call bpf_get_smp_processor_id#8
  24: (57) r0 &= 3
  25: (27) r0 *= 576
  26: (18) r1 = map[fd:0][0]+0
  28: (0f) r1 += r0
  29: (c5) if r8 s< 0x0 goto pc+50
  30: (15) if r8 == 0x0 goto pc+46
  31: (18) r2 = 0x100000000
  33: (ad) if r8 < r2 goto pc+3
  34: (77) r8 >>= 32
  35: (b7) r2 = 32
  36: (05) goto pc+1
  37: (b7) r2 = 0
  38: (a5) if r8 < 0x10000 goto pc+2
  39: (77) r8 >>= 16
  40: (07) r2 += 16
  41: (a5) if r8 < 0x100 goto pc+2
  42: (77) r8 >>= 8
  43: (07) r2 += 8
  44: (a5) if r8 < 0x10 goto pc+2
  45: (77) r8 >>= 4
  46: (07) r2 += 4
  47: (a5) if r8 < 0x4 goto pc+2
  48: (77) r8 >>= 2
  49: (07) r2 += 2
  50: (a5) if r8 < 0x2 goto pc+1
  51: (07) r2 += 1
  52: (07) r2 += 2
  53: (35) if r2 >= 0x41 goto pc+7
  54: (bf) r3 = r1
  55: (07) r3 += 8
  56: (67) r2 <<= 3
  57: (0f) r3 += r2
  58: (79) r2 = *(u64 *)(r3 +0)
  59: (07) r2 += 1
  60: (7b) *(u64 *)(r3 +0) = r2
  61: (79) r2 = *(u64 *)(r7 +8)
  62: (15) if r2 == 0x0 goto pc+12
  63: (79) r2 = *(u64 *)(r1 +0)
  64: (c5) if r2 s< 0x100 goto pc+6
  65: (18) r1 = map[fd:0]
  67: (bf) r2 = r10
  68: (07) r2 += -8
  69: (85) call bpf_map_delete_elem#3
  70: (05) goto pc+4
  71: (07) r2 += 1
  72: (7b) *(u64 *)(r1 +0) = r2
  73: (7a) *(u64 *)(r7 +0) = 0
  74: (7a) *(u64 *)(r7 +8) = 0
  75: (b7) r0 = 0
  76: (95) exit
  77: (bf) r2 = r8
  78: (07) r2 += 1
  79: (05) goto pc-27
  80: (b7) r2 = 0
  81: (05) goto pc-29
