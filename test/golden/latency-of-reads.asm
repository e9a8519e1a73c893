tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
    tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }

sys_enter:
   0: (79) r1 = *(u64 *)(r1 +8)
   1: (55) if r1 != 0x0 goto pc+19
   2: (18) r1 = 0x0
   4: (85) call bpf_get_current_ancestor_cgroup_id#123
   5: (18) r1 = 0x0
   7: (5d) if r0 != r1 goto pc+13
   8: (85) call bpf_ktime_get_boot_ns#125
   9: (7b) *(u64 *)(r10 -8) = r0
  10: (85) call bpf_get_current_pid_tgid#14
  11: (63) *(u32 *)(r10 -16) = r0
  12: (18) r1 = map[fd:0]
  14: (bf) r2 = r10
  15: (07) r2 += -16
  16: (bf) r3 = r10
  17: (07) r3 += -8
  18: (b7) r4 = 0
  19: (85) call bpf_map_update_elem#2
  20: (55) if r0 != 0x0 goto pc+2
  21: (b7) r0 = 0
  22: (95) exit
  23: (18) r1 = map[fd:0][0]+8
  25: (b7) r2 = 1
  26: (db) lock *(u64 *)(r1 +0) += r2
  27: (05) goto pc-7

sys_exit:
   0: (79) r1 = *(u64 *)(r1 +0)
   1: (79) r1 = *(u64 *)(r1 +120)
   2: (55) if r1 != 0x0 goto pc+60
   3: (18) r1 = 0x0
   5: (85) call bpf_get_current_ancestor_cgroup_id#123
   6: (18) r1 = 0x0
   8: (5d) if r0 != r1 goto pc+54
   9: (85) call bpf_get_current_pid_tgid#14
  10: (63) *(u32 *)(r10 -8) = r0
  11: (18) r1 = map[fd:0]
  13: (bf) r2 = r10
  14: (07) r2 += -8
  15: (85) call bpf_map_lookup_elem#1
  16: (15) if r0 == 0x0 goto pc+46
  17: (79) r6 = *(u64 *)(r0 +0)
  18: (15) if r6 == 0x0 goto pc+44
  19: (85) call bpf_ktime_get_boot_ns#125
  20: (bf) r7 = r0
  21: (1f) r7 -= r6
  22: (85) call bpf_get_smp_processor_id#8
  23: (57) r0 &= 3
  24: (27) r0 *= 576
  25: (18) r1 = map[fd:0][0]+0
  27: (0f) r1 += r0
  28: (c5) if r7 s< 0x0 goto pc+39
  29: (15) if r7 == 0x0 goto pc+35
  30: (18) r2 = 0x100000000
  32: (ad) if r7 < r2 goto pc+3
  33: (77) r7 >>= 32
  34: (b7) r2 = 32
  35: (05) goto pc+1
  36: (b7) r2 = 0
  37: (a5) if r7 < 0x10000 goto pc+2
  38: (77) r7 >>= 16
  39: (07) r2 += 16
  40: (a5) if r7 < 0x100 goto pc+2
  41: (77) r7 >>= 8
  42: (07) r2 += 8
  43: (a5) if r7 < 0x10 goto pc+2
  44: (77) r7 >>= 4
  45: (07) r2 += 4
  46: (a5) if r7 < 0x4 goto pc+2
  47: (77) r7 >>= 2
  48: (07) r2 += 2
  49: (a5) if r7 < 0x2 goto pc+1
  50: (07) r2 += 1
  51: (07) r2 += 2
  52: (35) if r2 >= 0x41 goto pc+5
  53: (67) r2 <<= 3
  54: (0f) r1 += r2
  55: (79) r2 = *(u64 *)(r1 +0)
  56: (07) r2 += 1
  57: (7b) *(u64 *)(r1 +0) = r2
  58: (18) r1 = map[fd:0]
  60: (bf) r2 = r10
  61: (07) r2 += -8
  62: (85) call bpf_map_delete_elem#3
  63: (b7) r0 = 0
  64: (95) exit
  65: (bf) r2 = r7
  66: (07) r2 += 1
  67: (05) goto pc-16
  68: (b7) r2 = 0
  69: (05) goto pc-18
