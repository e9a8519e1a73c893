tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
    tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }

sys_enter:
   0: (79) r1 = *(u64 *)(r1 +8)
   1: (55) if r1 != 0x0 goto pc+54
   2: (18) r1 = 0x0
   4: (85) call bpf_get_current_ancestor_cgroup_id#123
   5: (18) r1 = 0x0
   7: (5d) if r0 != r1 goto pc+48
   8: (85) call bpf_ktime_get_boot_ns#125
   9: (bf) r6 = r0
  10: (85) call bpf_get_current_task_btf#158
  11: (61) r7 = *(u32 *)(r0 +16)
  12: (18) r8 = 0x9e3779b97f4a7c15
  14: (2f) r8 *= r7
  15: (77) r8 >>= 40
  16: (57) r8 &= 4095
  17: (67) r8 <<= 4
  18: (18) r9 = map[fd:0][0]+64
  20: (0f) r9 += r8
  21: (bf) r8 = r7
  22: (07) r8 += 1
  23: (79) r1 = *(u64 *)(r9 +0)
  24: (1d) if r1 == r8 goto pc+30
  25: (18) r1 = map[fd:0][0]+0
  27: (79) r1 = *(u64 *)(r1 +0)
  28: (15) if r1 == 0x0 goto pc+22
  29: (63) *(u32 *)(r10 -8) = r7
  30: (18) r1 = map[fd:0]
  32: (bf) r2 = r10
  33: (07) r2 += -8
  34: (85) call bpf_map_lookup_elem#1
  35: (15) if r0 == 0x0 goto pc+15
  36: (18) r1 = map[fd:0][0]+0
  38: (7a) *(u64 *)(r1 +0) = 1
  39: (7b) *(u64 *)(r10 -16) = r6
  40: (63) *(u32 *)(r10 -8) = r7
  41: (18) r1 = map[fd:0]
  43: (bf) r2 = r10
  44: (07) r2 += -8
  45: (bf) r3 = r10
  46: (07) r3 += -16
  47: (b7) r4 = 0
  48: (85) call bpf_map_update_elem#2
  49: (55) if r0 != 0x0 goto pc+8
  50: (05) goto pc+5
  51: (b7) r0 = 0
  52: (db) r0 = atomic64_cmpxchg((u64 *)(r9 +0), r0, r8)
  53: (15) if r0 == 0x0 goto pc+1
  54: (5d) if r0 != r8 goto pc-19
  55: (7b) *(u64 *)(r9 +8) = r6
  56: (b7) r0 = 0
  57: (95) exit
  58: (57) r0 &= 127
  59: (67) r0 <<= 3
  60: (18) r1 = map[fd:0][0]+3088
  62: (0f) r1 += r0
  63: (b7) r2 = 1
  64: (db) lock *(u64 *)(r1 +0) += r2
  65: (05) goto pc-10

sys_exit:
   0: (79) r1 = *(u64 *)(r1 +0)
   1: (79) r1 = *(u64 *)(r1 +120)
   2: (55) if r1 != 0x0 goto pc+113
   3: (18) r1 = 0x0
   5: (85) call bpf_get_current_ancestor_cgroup_id#123
   6: (18) r1 = 0x0
   8: (5d) if r0 != r1 goto pc+107
   9: (85) call bpf_get_current_task_btf#158
  10: (61) r6 = *(u32 *)(r0 +16)
  11: (18) r7 = 0x9e3779b97f4a7c15
  13: (2f) r7 *= r6
  14: (77) r7 >>= 40
  15: (57) r7 &= 4095
  16: (67) r7 <<= 4
  17: (18) r8 = map[fd:0][0]+64
  19: (0f) r8 += r7
  20: (7b) *(u64 *)(r10 -8) = r8
  21: (bf) r7 = r6
  22: (07) r7 += 1
  23: (79) r9 = *(u64 *)(r8 +0)
  24: (1d) if r9 == r7 goto pc+13
  25: (18) r1 = map[fd:0][0]+0
  27: (79) r1 = *(u64 *)(r1 +0)
  28: (15) if r1 == 0x0 goto pc+87
  29: (63) *(u32 *)(r10 -16) = r6
  30: (18) r1 = map[fd:0]
  32: (bf) r2 = r10
  33: (07) r2 += -16
  34: (85) call bpf_map_lookup_elem#1
  35: (15) if r0 == 0x0 goto pc+80
  36: (79) r1 = *(u64 *)(r0 +0)
  37: (05) goto pc+1
  38: (79) r1 = *(u64 *)(r8 +8)
  39: (15) if r1 == 0x0 goto pc+76
  40: (85) call bpf_ktime_get_boot_ns#125
  41: (7b) *(u64 *)(r10 -24) = r0
  42: (1d) if r9 == r7 goto pc+15
  43: (18) r1 = map[fd:0][0]+0
  45: (79) r1 = *(u64 *)(r1 +0)
  46: (55) if r1 != 0x0 goto pc+2
  47: (b7) r1 = 0
  48: (05) goto pc+10
  49: (63) *(u32 *)(r10 -16) = r6
  50: (18) r1 = map[fd:0]
  52: (bf) r2 = r10
  53: (07) r2 += -16
  54: (85) call bpf_map_lookup_elem#1
  55: (15) if r0 == 0x0 goto pc+62
  56: (79) r1 = *(u64 *)(r0 +0)
  57: (05) goto pc+1
  58: (79) r1 = *(u64 *)(r8 +8)
  59: (79) r2 = *(u64 *)(r10 -24)
  60: (1f) r2 -= r1
  61: (bf) r8 = r2
  62: (85) call bpf_get_smp_processor_id#8
  63: (57) r0 &= 3
  64: (27) r0 *= 576
  65: (18) r1 = map[fd:0][0]+0
  67: (0f) r1 += r0
  68: (c5) if r8 s< 0x0 goto pc+26
  69: (15) if r8 == 0x0 goto pc+23
  70: (bf) r0 = r8
  71: (bf) r2 = r8
  72: (77) r2 >>= 32
  73: (15) if r2 == 0x0 goto pc+2
  74: (bf) r0 = r2
  75: (b7) r2 = 32
  76: (a5) if r0 < 0x10000 goto pc+2
  77: (77) r0 >>= 16
  78: (07) r2 += 16
  79: (a5) if r0 < 0x100 goto pc+2
  80: (77) r0 >>= 8
  81: (07) r2 += 8
  82: (a5) if r0 < 0x10 goto pc+2
  83: (77) r0 >>= 4
  84: (07) r2 += 4
  85: (a5) if r0 < 0x4 goto pc+2
  86: (77) r0 >>= 2
  87: (07) r2 += 2
  88: (a5) if r0 < 0x2 goto pc+1
  89: (07) r2 += 1
  90: (07) r2 += 2
  91: (bf) r8 = r2
  92: (05) goto pc+3
  93: (07) r8 += 1
  94: (05) goto pc+1
  95: (b7) r8 = 0
  96: (35) if r8 >= 0x41 goto pc+5
  97: (67) r8 <<= 3
  98: (0f) r1 += r8
  99: (79) r2 = *(u64 *)(r1 +0)
 100: (07) r2 += 1
 101: (7b) *(u64 *)(r1 +0) = r2
 102: (1d) if r9 == r7 goto pc+11
 103: (18) r1 = map[fd:0][0]+0
 105: (79) r1 = *(u64 *)(r1 +0)
 106: (15) if r1 == 0x0 goto pc+9
 107: (63) *(u32 *)(r10 -16) = r6
 108: (18) r1 = map[fd:0]
 110: (bf) r2 = r10
 111: (07) r2 += -16
 112: (85) call bpf_map_delete_elem#3
 113: (05) goto pc+2
 114: (79) r8 = *(u64 *)(r10 -8)
 115: (7a) *(u64 *)(r8 +0) = 0
 116: (b7) r0 = 0
 117: (95) exit
 118: (b7) r1 = 0
 119: (05) goto pc-61
