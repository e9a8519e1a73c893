/* MARK(provider, name, semaphore, arguments, operands...): a USDT probe as sys/sdt.h leaves it in a file, with the places
   of its arguments written out, so that tests can have them anywhere. "0" stands for no semaphore. */
#define MARK(provider, name, semaphore, arguments, ...)                                                                \
  __asm__ volatile("990: nop\n"                                                                                        \
                   ".pushsection .note.stapsdt, \"\", \"note\"\n"                                                      \
                   ".balign 4\n"                                                                                       \
                   ".4byte 992f - 991f, 994f - 993f, 3\n"                                                              \
                   "991: .asciz \"stapsdt\"\n"                                                                         \
                   "992: .balign 4\n"                                                                                  \
                   "993: .8byte 990b, mark_base, " semaphore "\n"                                                      \
                   ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n"                          \
                   "994: .balign 4\n"                                                                                  \
                   ".popsection\n"                                                                                     \
                   ".ifndef mark_base\n"                                                                               \
                   ".pushsection .stapsdt.base, \"a\", \"progbits\"\n"                                                 \
                   "mark_base: .space 1\n"                                                                             \
                   ".popsection\n"                                                                                     \
                   ".endif\n"                                                                                          \
                   :                                                                                                   \
                   : __VA_ARGS__                                                                                       \
                   : "memory")
