/* Strided copies, any type, portable C99: the specification of all operators that only move what
 * they are given: TRANSPOSE, CONCATENATION, SLICE, PAD, TILE and their like.
 *
 * from  bytes of the source, from its beginning
 * to    bytes of the output, from its beginning
 *
 * `run` bytes are copied at each step of the loops, the last loop fastest; where the compiler says
 * so, the output may lie over a source that nothing reads later. What no run covers keeps its value
 * (ed_strided_copy) or becomes `fill` (ed_strided_pad).
 */
#ifndef ED_NN_STRIDED_H
#define ED_NN_STRIDED_H

#include <stdint.h>

#include "nn/copy.h"
#include "nn/inline.h"

#define ED_STRIDED_LOOPS 6

typedef struct {
    int32_t size;        /* steps, at least 1 */
    int32_t read, write; /* bytes from one step to the next, in the source and in the output */
} ed_strided_loop;

typedef struct {
    int32_t run;               /* bytes at each step */
    int32_t read_at, write_at; /* where the first step reads and writes */
    int32_t bytes, fill;       /* the whole output, and what ed_strided_pad puts there first */
    ed_strided_loop loop[ED_STRIDED_LOOPS];
} ed_strided_shape;

/* Calls `copy` for every run, in order. */
ED_INLINE void ed_strided_each(const ed_strided_shape *s, const int8_t *from, int8_t *to,
                               void (*copy)(int32_t, const int8_t *, int8_t *))
{
    const ed_strided_loop inner = s->loop[ED_STRIDED_LOOPS - 1];
    int32_t steps[ED_STRIDED_LOOPS - 1] = {0};
    int32_t read = s->read_at, write = s->write_at;
    int32_t d;
    do {
        for (int32_t i = 0; i < inner.size; ++i) {
            copy(s->run, from + read + i * inner.read, to + write + i * inner.write);
        }
        /* The next step of the innermost other loop that has one; those inside it begin again. */
        for (d = ED_STRIDED_LOOPS - 2; d >= 0; --d) {
            const ed_strided_loop *loop = &s->loop[d];
            if (++steps[d] < loop->size) {
                read += loop->read;
                write += loop->write;
                break;
            }
            read -= loop->read * (loop->size - 1);
            write -= loop->write * (loop->size - 1);
            steps[d] = 0;
        }
    } while (d >= 0);
}

ED_INLINE void ed_strided_copy(const ed_strided_shape *s, const int8_t *from, int8_t *to)
{
    ed_strided_each(s, from, to, ed_copy);
}

ED_INLINE void ed_strided_pad(const ed_strided_shape *s, const int8_t *from, int8_t *to)
{
    ed_fill(s->bytes, (int8_t)s->fill, to);
    ed_strided_each(s, from, to, ed_copy);
}

#endif
