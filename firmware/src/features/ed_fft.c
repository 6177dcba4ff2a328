#include "features/ed_fft.h"

#include "features/ed_math.h"

void ed_fft_tables(float *cosine, uint16_t *reversed, uint32_t n)
{
    uint32_t mirrored = 0;

    for (uint32_t i = 0; i < n; i++) {
        cosine[i] = ed_math_turn(i, n).cosine;
    }
    for (uint32_t i = 0; i < n / 2u; i++) {
        uint32_t bit = n / 4u;
        reversed[i] = (uint16_t)mirrored;
        while ((mirrored & bit) != 0) { /* add one, the carry going down */
            mirrored ^= bit;
            bit >>= 1;
        }
        mirrored |= bit;
    }
}

/* Transforms of two points each: `points` complex numbers, adjacent ones together. */
static void pairs(float *work, uint32_t points)
{
    for (float *at = work; at < work + 2u * points; at += 4) {
        const float re = at[2], im = at[3];
        at[2] = at[0] - re;
        at[3] = at[1] - im;
        at[0] = at[0] + re;
        at[1] = at[1] + im;
    }
}

/* Transforms of four points each, adjacent ones together, in bit-reversed order. */
static void fours(float *work, uint32_t points)
{
    for (float *at = work; at < work + 2u * points; at += 8) {
        const float a0r = at[0] + at[2], a0i = at[1] + at[3];
        const float a1r = at[0] - at[2], a1i = at[1] - at[3];
        const float c0r = at[4] + at[6], c0i = at[5] + at[7];
        const float c1r = at[4] - at[6], c1i = at[5] - at[7];
        at[0] = a0r + c0r;
        at[1] = a0i + c0i;
        at[2] = a1r + c1i;
        at[3] = a1i - c1r;
        at[4] = a0r - c0r;
        at[5] = a0i - c0i;
        at[6] = a1r - c1i;
        at[7] = a1i + c1r;
    }
}

/* Four transforms of `quarter` points each become one of 4 quarter, everywhere in `work`.
 * They stand in bit-reversed order: their twiddles are 1, w^2, w, w^3. */
static void combine(const float *cosine, float *work, uint32_t n, uint32_t quarter)
{
    const uint32_t step = n / (4u * quarter); /* of the table, for one step of w */
    const uint32_t span = 2u * quarter;       /* floats from one transform to the next */

    for (uint32_t j = 0; j < quarter; j++) {
        /* w = cos - i sin, and -sin(x) = cos(x + a quarter turn). */
        const float *const turn = cosine + n / 4u;
        const float w1r = cosine[j * step], w1i = turn[j * step];
        const float w2r = cosine[2u * j * step], w2i = turn[2u * j * step];
        const float w3r = cosine[3u * j * step], w3i = turn[3u * j * step];

        for (float *p = work + 2u * j; p < work + n; p += 4u * span) {
            float *const p1 = p + span, *const p2 = p1 + span, *const p3 = p2 + span;
            const float t1r = p1[0] * w2r - p1[1] * w2i, t1i = p1[0] * w2i + p1[1] * w2r;
            const float t2r = p2[0] * w1r - p2[1] * w1i, t2i = p2[0] * w1i + p2[1] * w1r;
            const float t3r = p3[0] * w3r - p3[1] * w3i, t3i = p3[0] * w3i + p3[1] * w3r;
            const float a0r = p[0] + t1r, a0i = p[1] + t1i;
            const float a1r = p[0] - t1r, a1i = p[1] - t1i;
            const float c0r = t2r + t3r, c0i = t2i + t3i;
            const float c1r = t2r - t3r, c1i = t2i - t3i;
            p[0] = a0r + c0r;
            p[1] = a0i + c0i;
            p1[0] = a1r + c1i;
            p1[1] = a1i - c1r;
            p2[0] = a0r - c0r;
            p2[1] = a0i - c0i;
            p3[0] = a1r - c1i;
            p3[1] = a1i + c1r;
        }
    }
}

/* From the transform Z of sample pairs to the power of the samples' transform X:
 * 2 X(k) = E + w^k O and 2 X(n/2 - k) = conj(E - w^k O), where E = Z(k) + conj Z(n/2 - k),
 * O = -i (Z(k) - conj Z(n/2 - k)), w = exp(-2 pi i / n). */
static void split_power(const float *cosine, float *work, uint32_t n)
{
    const float *const turn = cosine + n / 4u;
    float *low = work;
    float *high = work + n;

    for (uint32_t k = 1; k <= n / 4u; k++) {
        low += 2;
        high -= 2;
        {
            const float wr = cosine[k], wi = turn[k];
            const float er = low[0] + high[0], ei = low[1] - high[1];
            const float odd_r = low[1] + high[1], odd_i = high[0] - low[0];
            const float tr = wr * odd_r - wi * odd_i, ti = wr * odd_i + wi * odd_r;
            const float sum_r = er + tr, sum_i = ei + ti;
            const float difference_r = er - tr, difference_i = ei - ti;
            low[0] = sum_r * sum_r + sum_i * sum_i;
            high[0] = difference_r * difference_r + difference_i * difference_i;
        }
    }
}

void ed_fft_power(const float *cosine, float *work, uint32_t n)
{
    const uint32_t points = n / 2u;
    uint32_t done = 4; /* points of each transform so far */
    uint32_t log2 = 0;

    while (points >> log2 > 1u) {
        log2++;
    }
    if (log2 % 2u != 0) {
        pairs(work, points);
        done = 2;
    } else {
        fours(work, points);
    }
    for (; done < points; done *= 4u) {
        combine(cosine, work, n, done);
    }
    split_power(cosine, work, n);
}
