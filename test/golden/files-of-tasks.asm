iter:task_file { @[ctx.task.comm, ctx.fd] = ctx.file.f_inode.i_ino; }

task_file:
   0: (79) r6 = *(u64 *)(r1 +8)
   1: (15) if r6 == 0x0 goto pc+38
   2: (7a) *(u64 *)(r10 -8) = 0
   3: (79) r2 = *(u64 *)(r1 +0)
   4: (79) r2 = *(u64 *)(r2 +0)
   5: (bf) r7 = r1
   6: (bf) r1 = r2
   7: (bf) r2 = r10
   8: (07) r2 += -8
   9: (b7) r3 = 1
  10: (85) call bpf_seq_write#127
  11: (79) r1 = *(u64 *)(r7 +24)
  12: (15) if r1 == 0x0 goto pc+2
  13: (79) r1 = *(u64 *)(r1 +16)
  14: (05) goto pc+1
  15: (b7) r1 = 0
  16: (15) if r1 == 0x0 goto pc+2
  17: (79) r8 = *(u64 *)(r1 +8)
  18: (05) goto pc+1
  19: (b7) r8 = 0
  20: (dc) r6 = be64 r6
  21: (dc) r6 = be64 r6
  22: (07) r6 += 32
  23: (bf) r1 = r10
  24: (07) r1 += -24
  25: (b7) r2 = 16
  26: (bf) r3 = r6
  27: (85) call bpf_probe_read_kernel#113
  28: (61) r1 = *(u32 *)(r7 +16)
  29: (63) *(u32 *)(r10 -8) = r1
  30: (7b) *(u64 *)(r10 -32) = r8
  31: (18) r1 = map[fd:0]
  33: (bf) r2 = r10
  34: (07) r2 += -24
  35: (bf) r3 = r10
  36: (07) r3 += -32
  37: (b7) r4 = 0
  38: (85) call bpf_map_update_elem#2
  39: (55) if r0 != 0x0 goto pc+2
  40: (b7) r0 = 0
  41: (95) exit
  42: (57) r0 &= 127
  43: (67) r0 <<= 3
  44: (18) r1 = map[fd:0][0]+3088
  46: (0f) r1 += r0
  47: (b7) r2 = 1
  48: (db) lock *(u64 *)(r1 +0) += r2
  49: (05) goto pc-10
