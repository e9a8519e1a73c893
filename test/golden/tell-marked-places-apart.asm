usdt:example:* { @[probe, arg0] = count(); }

usdt:
   0: (bf) r6 = r1
   1: (18) r1 = 0x0
   3: (85) call bpf_get_current_ancestor_cgroup_id#123
   4: (18) r1 = 0x0
   6: (5d) if r0 != r1 goto pc+75
   7: (bf) r1 = r6
   8: (85) call bpf_get_attach_cookie#174
   9: (bf) r1 = r0
  10: (77) r1 >>= 24
  11: (7b) *(u64 *)(r10 -16) = r1
  12: (bf) r1 = r0
  13: (57) r1 &= 16777215
  14: (a5) if r1 < 0x3 goto pc+14
  15: (a5) if r1 < 0x4 goto pc+11
  16: (35) if r1 >= 0x5 goto pc+8
  17: (79) r3 = *(u64 *)(r6 +128)
  18: (07) r3 += 11492
  19: (bf) r1 = r10
  20: (07) r1 += -24
  21: (b7) r2 = 4
  22: (85) call bpf_probe_read_user#112
  23: (61) r6 = *(u32 *)(r10 -24)
  24: (05) goto pc+11
  25: (b7) r6 = 0
  26: (05) goto pc+9
  27: (79) r6 = *(u64 *)(r6 +40)
  28: (05) goto pc+7
  29: (45) if r0 & 0xffffff goto pc+2
  30: (81) r6 = *(s32 *)(r6 +112)
  31: (05) goto pc+4
  32: (a5) if r1 < 0x2 goto pc+2
  33: (79) r6 = *(u64 *)(r6 +104)
  34: (05) goto pc+1
  35: (81) r6 = *(s32 *)(r6 +80)
  36: (7b) *(u64 *)(r10 -8) = r6
  37: (85) call bpf_get_smp_processor_id#8
  38: (57) r0 &= 3
  39: (67) r0 <<= 14
  40: (18) r1 = map[fd:0][0]+0
  42: (0f) r1 += r0
  43: (79) r2 = *(u64 *)(r10 -16)
  44: (18) r3 = 0x9e3779b97f4a7c15
  46: (bf) r4 = r2
  47: (2f) r4 *= r3
  48: (af) r4 ^= r6
  49: (2f) r4 *= r3
  50: (77) r4 >>= 40
  51: (57) r4 &= 511
  52: (67) r4 <<= 5
  53: (0f) r1 += r4
  54: (79) r3 = *(u64 *)(r1 +0)
  55: (15) if r3 == 0x1 goto pc+11
  56: (55) if r3 != 0x0 goto pc+17
  57: (18) r3 = 0x4000000000000000
  59: (b7) r0 = 0
  60: (db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r3)
  61: (55) if r0 != 0x0 goto pc+12
  62: (7b) *(u64 *)(r1 +8) = r2
  63: (7b) *(u64 *)(r1 +16) = r6
  64: (7a) *(u64 *)(r1 +24) = 0
  65: (7a) *(u64 *)(r1 +0) = 1
  66: (05) goto pc+4
  67: (79) r3 = *(u64 *)(r1 +8)
  68: (5d) if r3 != r2 goto pc+5
  69: (79) r2 = *(u64 *)(r1 +16)
  70: (5d) if r2 != r6 goto pc+3
  71: (07) r1 += 24
  72: (bf) r0 = r1
  73: (05) goto pc+6
  74: (18) r1 = map[fd:0]
  76: (bf) r2 = r10
  77: (07) r2 += -16
  78: (85) call bpf_map_lookup_elem#1
  79: (15) if r0 == 0x0 goto pc+4
  80: (b7) r1 = 1
  81: (db) lock *(u64 *)(r0 +0) += r1
  82: (b7) r0 = 0
  83: (95) exit
  84: (18) r1 = map[fd:0]
  86: (bf) r2 = r10
  87: (07) r2 += -16
  88: (18) r3 = map[fd:0][0]+0
  90: (b7) r4 = 1
  91: (85) call bpf_map_update_elem#2
  92: (bf) r6 = r0
  93: (18) r1 = map[fd:0]
  95: (bf) r2 = r10
  96: (07) r2 += -16
  97: (85) call bpf_map_lookup_elem#1
  98: (55) if r0 != 0x0 goto pc-19
  99: (57) r6 &= 127
 100: (67) r6 <<= 3
 101: (18) r1 = map[fd:0][0]+3088
 103: (0f) r1 += r6
 104: (b7) r2 = 1
 105: (db) lock *(u64 *)(r1 +0) += r2
 106: (05) goto pc-25
