/* Power spectrum of a real signal: split real FFT, radix 4 (and one radix 2 step where needed).
 *
 * n: length of the real signal, a power of two, 16 to 2^15. The caller holds the tables, and
 * writes the signal in the order of `reversed` itself, usually while it applies its window.
 */
#ifndef ED_FFT_H
#define ED_FFT_H

#include <stdint.h>

/* cosine   [n] becomes cos(2 pi i / n)
 * reversed [n / 2] becomes where pair i of the signal goes: i with its bits reversed */
void ed_fft_tables(float *cosine, uint16_t *reversed, uint32_t n);

/* work [n]: in, sample 2 i at 2 reversed[i], sample 2 i + 1 after it; out, 4 |X(k)|^2 at 2 k for
 * k = 1 .. n/2 - 1. The rest (0, n/2, odd places) holds nothing of use. */
void ed_fft_power(const float *cosine, float *work, uint32_t n);

#endif
