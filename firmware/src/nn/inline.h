/* How kernels become code that knows its sizes.
 *
 * A kernel takes its sizes as a pointer to a constant structure. ED_INLINE puts the kernel into
 * the generated function that holds that structure, so that the C compiler sees every size;
 * ED_SHARED keeps that function single, however many layers call it.
 */
#ifndef ED_NN_INLINE_H
#define ED_NN_INLINE_H

#if defined(__GNUC__)
#define ED_INLINE static inline __attribute__((always_inline))
#define ED_SHARED static __attribute__((noinline))
/* First in every ED_SHARED function. GCC 12.2 at -O2 can drop calls of one whose pointers it knows:
 * its induction variables then address memory as 0 + integer, which its late pure-const pass takes
 * for a null pointer, so that the function seems to do nothing. What has a volatile asm does. */
#define ED_KEEP() __asm__ volatile("" : : : "memory")
#define ED_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define ED_TRAP() __builtin_trap()
#else
#define ED_INLINE static inline
#define ED_SHARED static
#define ED_KEEP() ((void)0)
#define ED_ALIGNED(bytes)
#define ED_TRAP() \
    do {          \
    } while (1)
#endif

#endif
