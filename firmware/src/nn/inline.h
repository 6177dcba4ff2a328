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
#else
#define ED_INLINE static inline
#define ED_SHARED static
#endif

#endif
