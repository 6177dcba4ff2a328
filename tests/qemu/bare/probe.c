/* Does the one thing that PROBE asks for: shows that the machine tells right from wrong. */
#include "bare.h"

#define PROBE_TEXT 0
#define PROBE_LDR 1
#define PROBE_LDRD 2
#define PROBE_LDM 3
#define PROBE_VLDR 4
#define PROBE_STRD 5
#define PROBE_FLOAT 6
#define PROBE_EXIT 7

static uint32_t words[4] = {0x03020100u, 0x07060504u, 0x0b0a0908u, 0x0f0e0d0cu};

void ed_main(void)
{
    uint32_t low = 0;
    uint32_t high = 0;
    const char *address = (const char *)words + ED_PROBE_OFFSET;
    (void)low;
    (void)high;
    (void)address;
#if ED_PROBE == PROBE_LDR
    __asm__ volatile("ldr %0, [%1]" : "=r"(low) : "r"(address));
#elif ED_PROBE == PROBE_LDRD
    __asm__ volatile("ldrd %0, %1, [%2]" : "=&r"(low), "=&r"(high) : "r"(address));
#elif ED_PROBE == PROBE_LDM
    __asm__ volatile("ldmia %2, {r4, r5}\n\tmov %0, r4\n\tmov %1, r5"
                     : "=&r"(low), "=&r"(high)
                     : "r"(address)
                     : "r4", "r5");
#elif ED_PROBE == PROBE_VLDR
    __asm__ volatile("vldr s0, [%1]\n\tvmov %0, s0" : "=r"(low) : "r"(address) : "s0");
#elif ED_PROBE == PROBE_STRD
    __asm__ volatile("strd %0, %1, [%2]" : : "r"(low), "r"(high), "r"(address) : "memory");
#elif ED_PROBE == PROBE_FLOAT
    volatile float third = 1.0f;
    third /= 3.0f;
    __asm__ volatile("vmov %0, %1" : "=r"(low) : "t"(third));
#elif ED_PROBE == PROBE_EXIT
    ed_write("leaving\n");
    ed_exit(1);
#endif
    ed_write("word ");
    ed_write_hex32(low);
    ed_write("\ndone\n");
    ed_exit(0);
}
