// What has to be said in assembly. RawSyscall is a system call and nothing else (no errno, no thread-local storage, no
// call into a library), which is all that a process may use that has thrown away most of the memory it was born with; it
// answers with the result or -errno.
#pragma once

#include <sys/syscall.h>

// Headers older than Linux 5.9 lack these; the numbers are the same on all architectures.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

inline long RawArgument(long value) { return value; }
inline long RawArgument(const void* value) { return reinterpret_cast<long>(value); }

#if defined(__x86_64__)
inline unsigned long ThreadPointer() {
  unsigned long pointer;
  asm("mov %%fs:0, %0" : "=r"(pointer));
  return pointer;
}

inline long RawSyscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline unsigned long ThreadPointer() {
  unsigned long pointer;
  asm("mrs %0, tpidr_el0" : "=r"(pointer));
  return pointer;
}

inline long RawSyscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "only x86-64 and arm64 are supported"
#endif

template <typename A = long, typename B = long, typename C = long, typename D = long, typename E = long>
inline long RawSyscall(long number, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0) {
  return RawSyscall6(number, RawArgument(a), RawArgument(b), RawArgument(c), RawArgument(d), RawArgument(e), 0);
}
