tracepoint:syscalls:sys_enter_* { @[probe] = count(); }

sys_enter:
   0: (79) r6 = *(u64 *)(r1 +8)
   1: (a5) if r6 < 0x2a goto pc+20
   2: (a5) if r6 < 0x6e goto pc+11
   3: (a5) if r6 < 0xe7 goto pc+5
   4: (a5) if r6 < 0x101 goto pc+2
   5: (15) if r6 == 0x101 goto pc+32
   6: (05) goto pc+85
   7: (15) if r6 == 0xe7 goto pc+30
   8: (05) goto pc+83
   9: (a5) if r6 < 0xca goto pc+2
  10: (15) if r6 == 0xca goto pc+27
  11: (05) goto pc+80
  12: (15) if r6 == 0x6e goto pc+25
  13: (05) goto pc+78
  14: (a5) if r6 < 0x3b goto pc+5
  15: (a5) if r6 < 0x3e goto pc+2
  16: (15) if r6 == 0x3e goto pc+21
  17: (05) goto pc+74
  18: (15) if r6 == 0x3b goto pc+19
  19: (05) goto pc+72
  20: (15) if r6 == 0x2a goto pc+17
  21: (05) goto pc+70
  22: (a5) if r6 < 0x9 goto pc+8
  23: (a5) if r6 < 0x23 goto pc+5
  24: (a5) if r6 < 0x27 goto pc+2
  25: (15) if r6 == 0x27 goto pc+12
  26: (05) goto pc+65
  27: (15) if r6 == 0x23 goto pc+10
  28: (05) goto pc+63
  29: (15) if r6 == 0x9 goto pc+8
  30: (05) goto pc+61
  31: (a5) if r6 < 0x3 goto pc+5
  32: (a5) if r6 < 0x5 goto pc+2
  33: (15) if r6 == 0x5 goto pc+4
  34: (05) goto pc+57
  35: (15) if r6 == 0x3 goto pc+2
  36: (05) goto pc+55
  37: (25) if r6 > 0x1 goto pc+54
  38: (18) r1 = 0x0
  40: (85) call bpf_get_current_ancestor_cgroup_id#123
  41: (18) r1 = 0x0
  43: (5d) if r0 != r1 goto pc+48
  44: (a5) if r6 < 0x2a goto pc+20
  45: (a5) if r6 < 0x6e goto pc+11
  46: (a5) if r6 < 0xe7 goto pc+5
  47: (a5) if r6 < 0x101 goto pc+2
  48: (15) if r6 == 0x101 goto pc+32
  49: (05) goto pc+42
  50: (15) if r6 == 0xe7 goto pc+30
  51: (05) goto pc+40
  52: (a5) if r6 < 0xca goto pc+2
  53: (15) if r6 == 0xca goto pc+27
  54: (05) goto pc+37
  55: (15) if r6 == 0x6e goto pc+25
  56: (05) goto pc+35
  57: (a5) if r6 < 0x3b goto pc+5
  58: (a5) if r6 < 0x3e goto pc+2
  59: (15) if r6 == 0x3e goto pc+21
  60: (05) goto pc+31
  61: (15) if r6 == 0x3b goto pc+19
  62: (05) goto pc+29
  63: (15) if r6 == 0x2a goto pc+17
  64: (05) goto pc+27
  65: (a5) if r6 < 0x9 goto pc+8
  66: (a5) if r6 < 0x23 goto pc+5
  67: (a5) if r6 < 0x27 goto pc+2
  68: (15) if r6 == 0x27 goto pc+12
  69: (05) goto pc+22
  70: (15) if r6 == 0x23 goto pc+10
  71: (05) goto pc+20
  72: (15) if r6 == 0x9 goto pc+8
  73: (05) goto pc+18
  74: (a5) if r6 < 0x3 goto pc+5
  75: (a5) if r6 < 0x5 goto pc+2
  76: (15) if r6 == 0x5 goto pc+4
  77: (05) goto pc+14
  78: (15) if r6 == 0x3 goto pc+2
  79: (05) goto pc+12
  80: (25) if r6 > 0x1 goto pc+11
  81: (07) r6 += 1048576
  82: (7b) *(u64 *)(r10 -8) = r6
  83: (18) r1 = map[fd:0]
  85: (bf) r2 = r10
  86: (07) r2 += -8
  87: (85) call bpf_map_lookup_elem#1
  88: (15) if r0 == 0x0 goto pc+5
  89: (79) r1 = *(u64 *)(r0 +0)
  90: (07) r1 += 1
  91: (7b) *(u64 *)(r0 +0) = r1
  92: (b7) r0 = 0
  93: (95) exit
  94: (18) r1 = map[fd:0]
  96: (bf) r2 = r10
  97: (07) r2 += -8
  98: (18) r3 = map[fd:0][0]+0
 100: (b7) r4 = 1
 101: (85) call bpf_map_update_elem#2
 102: (18) r1 = map[fd:0]
 104: (bf) r2 = r10
 105: (07) r2 += -8
 106: (85) call bpf_map_lookup_elem#1
 107: (55) if r0 != 0x0 goto pc-19
 108: (18) r1 = map[fd:0][0]+16
 110: (b7) r2 = 1
 111: (db) lock *(u64 *)(r1 +0) += r2
 112: (05) goto pc-21
