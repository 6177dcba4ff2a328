/* What the instructions of nn/s3/pie.h do, in C99, for everything that is no ESP32-S3.
 *
 * Where the chip would read or write elsewhere than it was told (the lower bits of an address are
 * taken for 0), or use what the block has not set, this stops the program.
 */
#ifndef ED_NN_S3_PIE_MODEL_H
#define ED_NN_S3_PIE_MODEL_H

#include <stdint.h>

#include "nn/inline.h"

#define ED_PIE_LANES 16
#define ED_PIE_KNOWN_ACCX (1u << 8)
#define ED_PIE_KNOWN_QACC (1u << 9)

typedef struct {
    uint32_t known; /* bit n: register qn was loaded; the two above: the accumulator was zeroed */
    int8_t q[8][ED_PIE_LANES];
    int64_t accx;               /* 40 bits */
    int32_t qacc[ED_PIE_LANES]; /* 20 bits each; lanes 0 to 7 are QACC_L, the others QACC_H */
} ed_pie_unit;

/* For who counts the instructions: a function that is told of each. */
#ifdef ED_PIE_TOLD
void ED_PIE_TOLD(void);
#else
#define ED_PIE_TOLD() ((void)0)
#endif

ED_INLINE void ed_pie_check(int right)
{
    if (!right) {
        ED_TRAP();
    }
}

ED_INLINE int64_t ed_pie_saturated(int64_t value, int bits)
{
    const int64_t most = ((int64_t)1 << (bits - 1)) - 1;
    return value > most ? most : value < -most - 1 ? -most - 1 : value;
}

ED_INLINE void ed_pie_zero_accx(ed_pie_unit *pie)
{
    ED_PIE_TOLD();
    pie->accx = 0;
    pie->known |= ED_PIE_KNOWN_ACCX;
}

ED_INLINE void ed_pie_zero_qacc(ed_pie_unit *pie)
{
    ED_PIE_TOLD();
    for (int i = 0; i < ED_PIE_LANES; ++i) {
        pie->qacc[i] = 0;
    }
    pie->known |= ED_PIE_KNOWN_QACC;
}

/* EE.VLD.128.IP and .XP: 16 bytes, the lowest address in the lowest lane; then on by `step`. */
ED_INLINE const int8_t *ed_pie_vld_128(ed_pie_unit *pie, int qu, const int8_t *as, int32_t step)
{
    ED_PIE_TOLD();
    ed_pie_check((uintptr_t)as % 16u == 0);
    for (int i = 0; i < ED_PIE_LANES; ++i) {
        pie->q[qu][i] = as[i];
    }
    pie->known |= 1u << qu;
    return as + step;
}

ED_INLINE void ed_pie_vmulas_s8_accx(ed_pie_unit *pie, int qx, int qy)
{
    const uint32_t needed = 1u << qx | 1u << qy | ED_PIE_KNOWN_ACCX;
    ED_PIE_TOLD();
    ed_pie_check((pie->known & needed) == needed);
    int64_t sum = pie->accx;
    for (int i = 0; i < ED_PIE_LANES; ++i) {
        sum += pie->q[qx][i] * pie->q[qy][i];
    }
    pie->accx = ed_pie_saturated(sum, 40);
}

ED_INLINE void ed_pie_vmulas_s8_qacc(ed_pie_unit *pie, int qx, int qy)
{
    const uint32_t needed = 1u << qx | 1u << qy | ED_PIE_KNOWN_QACC;
    ED_PIE_TOLD();
    ed_pie_check((pie->known & needed) == needed);
    for (int i = 0; i < ED_PIE_LANES; ++i) {
        const int32_t sum = pie->qacc[i] + pie->q[qx][i] * pie->q[qy][i];
        pie->qacc[i] = (int32_t)ed_pie_saturated(sum, 20);
    }
}

/* EE.ST.QACC_*: of the 160 bits that eight lanes are, lowest lane lowest, `count` words from word
 * `first` on, to an address that is aligned to as many. lane: 0 for QACC_L, 8 for QACC_H. */
ED_INLINE int8_t *ed_pie_st_qacc(ed_pie_unit *pie, int lane, int first, int count, int8_t *as,
                                 int32_t step)
{
    ED_PIE_TOLD();
    ed_pie_check((uintptr_t)as % (4u * (unsigned)count) == 0);
    ed_pie_check((pie->known & ED_PIE_KNOWN_QACC) != 0);
    for (int bit = 0; bit < 32 * count; ++bit) {
        const int from = 32 * first + bit;
        const uint32_t value = (uint32_t)pie->qacc[lane + from / 20] >> from % 20 & 1u;
        const uint32_t byte = (bit % 8 == 0 ? 0u : (uint8_t)as[bit / 8]) | value << bit % 8;
        as[bit / 8] = (int8_t)(uint8_t)byte;
    }
    return as + step;
}

/* RUR.ACCX_0: the lower 32 bits. */
ED_INLINE uint32_t ed_pie_rur_accx_0(const ed_pie_unit *pie)
{
    ED_PIE_TOLD();
    ed_pie_check((pie->known & ED_PIE_KNOWN_ACCX) != 0);
    return (uint32_t)pie->accx;
}

#endif
