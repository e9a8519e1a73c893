tracepoint:syscalls:sys_enter_* { @[probe] = count(); }

sys_enter:
   0: (79) r6 = *(u64 *)(r1 +8)
   1: (a5) if r6 < 0x2a goto pc+20
   2: (a5) if r6 < 0x6e goto pc+11
   3: (a5) if r6 < 0xe7 goto pc+5
   4: (a5) if r6 < 0x101 goto pc+2
   5: (15) if r6 == 0x101 goto pc+32
   6: (05) goto pc+101
   7: (15) if r6 == 0xe7 goto pc+30
   8: (05) goto pc+99
   9: (a5) if r6 < 0xca goto pc+2
  10: (15) if r6 == 0xca goto pc+27
  11: (05) goto pc+96
  12: (15) if r6 == 0x6e goto pc+25
  13: (05) goto pc+94
  14: (a5) if r6 < 0x3b goto pc+5
  15: (a5) if r6 < 0x3e goto pc+2
  16: (15) if r6 == 0x3e goto pc+21
  17: (05) goto pc+90
  18: (15) if r6 == 0x3b goto pc+19
  19: (05) goto pc+88
  20: (15) if r6 == 0x2a goto pc+17
  21: (05) goto pc+86
  22: (a5) if r6 < 0x9 goto pc+8
  23: (a5) if r6 < 0x23 goto pc+5
  24: (a5) if r6 < 0x27 goto pc+2
  25: (15) if r6 == 0x27 goto pc+12
  26: (05) goto pc+81
  27: (15) if r6 == 0x23 goto pc+10
  28: (05) goto pc+79
  29: (15) if r6 == 0x9 goto pc+8
  30: (05) goto pc+77
  31: (a5) if r6 < 0x3 goto pc+5
  32: (a5) if r6 < 0x5 goto pc+2
  33: (15) if r6 == 0x5 goto pc+4
  34: (05) goto pc+73
  35: (15) if r6 == 0x3 goto pc+2
  36: (05) goto pc+71
  37: (25) if r6 > 0x1 goto pc+70
  38: (18) r1 = 0x0
  40: (85) call bpf_get_current_ancestor_cgroup_id#123
  41: (18) r1 = 0x0
  43: (5d) if r0 != r1 goto pc+64
  44: (a5) if r6 < 0x2a goto pc+20
  45: (a5) if r6 < 0x6e goto pc+11
  46: (a5) if r6 < 0xe7 goto pc+5
  47: (a5) if r6 < 0x101 goto pc+2
  48: (15) if r6 == 0x101 goto pc+32
  49: (05) goto pc+58
  50: (15) if r6 == 0xe7 goto pc+30
  51: (05) goto pc+56
  52: (a5) if r6 < 0xca goto pc+2
  53: (15) if r6 == 0xca goto pc+27
  54: (05) goto pc+53
  55: (15) if r6 == 0x6e goto pc+25
  56: (05) goto pc+51
  57: (a5) if r6 < 0x3b goto pc+5
  58: (a5) if r6 < 0x3e goto pc+2
  59: (15) if r6 == 0x3e goto pc+21
  60: (05) goto pc+47
  61: (15) if r6 == 0x3b goto pc+19
  62: (05) goto pc+45
  63: (15) if r6 == 0x2a goto pc+17
  64: (05) goto pc+43
  65: (a5) if r6 < 0x9 goto pc+8
  66: (a5) if r6 < 0x23 goto pc+5
  67: (a5) if r6 < 0x27 goto pc+2
  68: (15) if r6 == 0x27 goto pc+12
  69: (05) goto pc+38
  70: (15) if r6 == 0x23 goto pc+10
  71: (05) goto pc+36
  72: (15) if r6 == 0x9 goto pc+8
  73: (05) goto pc+34
  74: (a5) if r6 < 0x3 goto pc+5
  75: (a5) if r6 < 0x5 goto pc+2
  76: (15) if r6 == 0x5 goto pc+4
  77: (05) goto pc+30
  78: (15) if r6 == 0x3 goto pc+2
  79: (05) goto pc+28
  80: (25) if r6 > 0x1 goto pc+27
  81: (07) r6 += 1048576
  82: (85) call bpf_get_smp_processor_id#8
  83: (57) r0 &= 3
  84: (27) r0 *= 12288
  85: (18) r1 = map[fd:0][0]+0
  87: (0f) r1 += r0
  88: (18) r2 = 0x9e3779b97f4a7c15
  90: (2f) r2 *= r6
  91: (77) r2 >>= 40
  92: (57) r2 &= 511
  93: (27) r2 *= 24
  94: (0f) r1 += r2
  95: (79) r2 = *(u64 *)(r1 +0)
  96: (15) if r2 == 0x1 goto pc+5
  97: (55) if r2 != 0x0 goto pc+12
  98: (7b) *(u64 *)(r1 +8) = r6
  99: (7a) *(u64 *)(r1 +16) = 0
 100: (7a) *(u64 *)(r1 +0) = 1
 101: (05) goto pc+2
 102: (79) r2 = *(u64 *)(r1 +8)
 103: (5d) if r2 != r6 goto pc+6
 104: (07) r1 += 16
 105: (79) r2 = *(u64 *)(r1 +0)
 106: (07) r2 += 1
 107: (7b) *(u64 *)(r1 +0) = r2
 108: (b7) r0 = 0
 109: (95) exit
 110: (7b) *(u64 *)(r10 -8) = r6
 111: (18) r1 = map[fd:0]
 113: (bf) r2 = r10
 114: (07) r2 += -8
 115: (85) call bpf_map_lookup_elem#1
 116: (15) if r0 == 0x0 goto pc+2
 117: (bf) r1 = r0
 118: (05) goto pc-14
 119: (18) r1 = map[fd:0]
 121: (bf) r2 = r10
 122: (07) r2 += -8
 123: (18) r3 = map[fd:0][0]+0
 125: (b7) r4 = 1
 126: (85) call bpf_map_update_elem#2
 127: (bf) r6 = r0
 128: (18) r1 = map[fd:0]
 130: (bf) r2 = r10
 131: (07) r2 += -8
 132: (85) call bpf_map_lookup_elem#1
 133: (15) if r0 == 0x0 goto pc+2
 134: (bf) r1 = r0
 135: (05) goto pc-31
 136: (87) r6 = -r6
 137: (57) r6 &= 127
 138: (15) if r6 == 0x7 goto pc+7
 139: (67) r6 <<= 3
 140: (18) r1 = map[fd:0][0]+16
 142: (0f) r1 += r6
 143: (b7) r2 = 1
 144: (db) lock *(u64 *)(r1 +0) += r2
 145: (05) goto pc-38
 146: (18) r1 = map[fd:0][0]+1040
 148: (b7) r2 = 1
 149: (db) lock *(u64 *)(r1 +0) += r2
 150: (05) goto pc-43
