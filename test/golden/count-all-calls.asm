tracepoint:syscalls:sys_enter_* { @[probe] = count(); }

sys_enter:
   0: (79) r6 = *(u64 *)(r1 +8)
   1: (a5) if r6 < 0x2a goto pc+20
   2: (a5) if r6 < 0x6e goto pc+11
   3: (a5) if r6 < 0xe7 goto pc+5
   4: (a5) if r6 < 0x101 goto pc+2
   5: (15) if r6 == 0x101 goto pc+32
   6: (05) goto pc+64
   7: (15) if r6 == 0xe7 goto pc+30
   8: (05) goto pc+62
   9: (a5) if r6 < 0xca goto pc+2
  10: (15) if r6 == 0xca goto pc+27
  11: (05) goto pc+59
  12: (15) if r6 == 0x6e goto pc+25
  13: (05) goto pc+57
  14: (a5) if r6 < 0x3b goto pc+5
  15: (a5) if r6 < 0x3e goto pc+2
  16: (15) if r6 == 0x3e goto pc+21
  17: (05) goto pc+53
  18: (15) if r6 == 0x3b goto pc+19
  19: (05) goto pc+51
  20: (15) if r6 == 0x2a goto pc+17
  21: (05) goto pc+49
  22: (a5) if r6 < 0x9 goto pc+8
  23: (a5) if r6 < 0x23 goto pc+5
  24: (a5) if r6 < 0x27 goto pc+2
  25: (15) if r6 == 0x27 goto pc+12
  26: (05) goto pc+44
  27: (15) if r6 == 0x23 goto pc+10
  28: (05) goto pc+42
  29: (15) if r6 == 0x9 goto pc+8
  30: (05) goto pc+40
  31: (a5) if r6 < 0x3 goto pc+5
  32: (a5) if r6 < 0x5 goto pc+2
  33: (15) if r6 == 0x5 goto pc+4
  34: (05) goto pc+36
  35: (15) if r6 == 0x3 goto pc+2
  36: (05) goto pc+34
  37: (25) if r6 > 0x1 goto pc+33
  38: (18) r1 = 0x0
  40: (85) call bpf_get_current_ancestor_cgroup_id#123
  41: (18) r1 = 0x0
  43: (5d) if r0 != r1 goto pc+27
  44: (07) r6 += 1048576
  45: (85) call bpf_get_smp_processor_id#8
  46: (57) r0 &= 3
  47: (27) r0 *= 12288
  48: (18) r1 = map[fd:0][0]+0
  50: (0f) r1 += r0
  51: (18) r2 = 0x9e3779b97f4a7c15
  53: (2f) r2 *= r6
  54: (77) r2 >>= 40
  55: (57) r2 &= 511
  56: (27) r2 *= 24
  57: (0f) r1 += r2
  58: (79) r2 = *(u64 *)(r1 +0)
  59: (15) if r2 == 0x1 goto pc+5
  60: (55) if r2 != 0x0 goto pc+12
  61: (7b) *(u64 *)(r1 +8) = r6
  62: (7a) *(u64 *)(r1 +16) = 0
  63: (7a) *(u64 *)(r1 +0) = 1
  64: (05) goto pc+2
  65: (79) r2 = *(u64 *)(r1 +8)
  66: (5d) if r2 != r6 goto pc+6
  67: (07) r1 += 16
  68: (79) r2 = *(u64 *)(r1 +0)
  69: (07) r2 += 1
  70: (7b) *(u64 *)(r1 +0) = r2
  71: (b7) r0 = 0
  72: (95) exit
  73: (7b) *(u64 *)(r10 -8) = r6
  74: (18) r1 = map[fd:0]
  76: (bf) r2 = r10
  77: (07) r2 += -8
  78: (85) call bpf_map_lookup_elem#1
  79: (15) if r0 == 0x0 goto pc+2
  80: (bf) r1 = r0
  81: (05) goto pc-14
  82: (18) r1 = map[fd:0]
  84: (bf) r2 = r10
  85: (07) r2 += -8
  86: (18) r3 = map[fd:0][0]+0
  88: (b7) r4 = 1
  89: (85) call bpf_map_update_elem#2
  90: (bf) r6 = r0
  91: (18) r1 = map[fd:0]
  93: (bf) r2 = r10
  94: (07) r2 += -8
  95: (85) call bpf_map_lookup_elem#1
  96: (15) if r0 == 0x0 goto pc+2
  97: (bf) r1 = r0
  98: (05) goto pc-31
  99: (57) r6 &= 127
 100: (67) r6 <<= 3
 101: (18) r1 = map[fd:0][0]+3088
 103: (0f) r1 += r6
 104: (b7) r2 = 1
 105: (db) lock *(u64 *)(r1 +0) += r2
 106: (05) goto pc-36
