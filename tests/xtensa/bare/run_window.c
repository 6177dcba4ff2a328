/* Prints the window of the embedded samples, as the bits of each float32. case.h says of what. */
#include "bare.h"
#include "case.h"

void ed_main(void)
{
    static ed_case made;
    static float out[ED_CASE_FEATURES];
    const ed_case_settings settings = ED_CASE_SETTINGS;

    if (ED_CASE_INIT(&made, &settings) != ED_OK) {
        ed_exit(2);
    }
    ED_CASE_WINDOW(&made, ed_case_samples, out);
    for (uint32_t i = 0; i < ED_CASE_FEATURES; i++) {
        union {
            float value;
            uint32_t bits;
        } both;
        both.value = out[i];
        ed_write_hex32(both.bits);
        ed_write("\n");
    }
    ed_exit(0);
}
