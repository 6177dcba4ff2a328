/* The four functions that compilers call by themselves, and that a libc would bring: so that the
 * image needs none, and costs the same cycles whichever toolchain made it. */
#include <stddef.h>
#include <stdint.h>

/* Calls appear after link-time optimisation has looked for them; the linker drops what is not called. */
#define CALLED __attribute__((used))

CALLED void *memcpy(void *restrict to, const void *restrict from, size_t count);
CALLED void *memmove(void *to, const void *from, size_t count);
CALLED void *memset(void *to, int value, size_t count);
CALLED int memcmp(const void *left, const void *right, size_t count);

/* Keeps the compiler from seeing a memcpy in a loop of memcpy's, and calling itself. */
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

/* Words that may hold anything; the Cortex-M4 loads and stores them at any address (LDR, STR). */
typedef uint32_t __attribute__((may_alias, aligned(1))) word;

enum { WORD = sizeof(uint32_t) };

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;

    for (; count >= 4 * WORD; count -= 4 * WORD) {
        const uint32_t a = ((const word *)in)[0];
        const uint32_t b = ((const word *)in)[1];
        const uint32_t c = ((const word *)in)[2];
        const uint32_t d = ((const word *)in)[3];
        ((word *)out)[0] = a;
        ((word *)out)[1] = b;
        ((word *)out)[2] = c;
        ((word *)out)[3] = d;
        in += 4 * WORD;
        out += 4 * WORD;
    }
    for (; count >= WORD; count -= WORD) {
        *(word *)out = *(const word *)in;
        in += WORD;
        out += WORD;
        KEEP_LOOP();
    }
    for (; count != 0; count--) {
        *out++ = *in++;
        KEEP_LOOP();
    }
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;

    if ((uintptr_t)out <= (uintptr_t)in) { /* forwards, and what is not read yet stays */
        for (; count >= WORD; count -= WORD) {
            *(word *)out = *(const word *)in;
            in += WORD;
            out += WORD;
            KEEP_LOOP();
        }
        for (; count != 0; count--) {
            *out++ = *in++;
            KEEP_LOOP();
        }
        return to;
    }
    out += count;
    in += count;
    for (; count >= WORD; count -= WORD) {
        in -= WORD;
        out -= WORD;
        *(word *)out = *(const word *)in;
        KEEP_LOOP();
    }
    for (; count != 0; count--) {
        *--out = *--in;
        KEEP_LOOP();
    }
    return to;
}

void *memset(void *to, int value, size_t count)
{
    uint8_t *out = to;
    const uint32_t all = 0x01010101u * (uint8_t)value;

    for (; count >= WORD; count -= WORD) {
        *(word *)out = all;
        out += WORD;
        KEEP_LOOP();
    }
    for (; count != 0; count--) {
        *out++ = (uint8_t)value;
        KEEP_LOOP();
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t count)
{
    const uint8_t *a = left;
    const uint8_t *b = right;

    for (; count != 0; count--) {
        if (*a != *b) {
            return *a - *b;
        }
        a++;
        b++;
    }
    return 0;
}
