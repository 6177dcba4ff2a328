/* The ESP32-S3's vector instructions that our kernels use, one macro each.
 *
 * A block is a sequence of them, written once. For the chip it becomes one inline assembly: GCC
 * knows neither the 128-bit registers nor the accumulators, cannot keep them from one statement to
 * the next, and may call something in between that uses them. So nothing lives in them beyond a
 * block; what switches tasks within one has to save them, as the FreeRTOS of the chip does.
 * Elsewhere the same sequence becomes C, which does what the manual says of each instruction, and
 * stops where the chip would go on with wrong data: at an address that is not aligned, and at a
 * register or accumulator that nothing was written to. Tests run that.
 *
 * THE ASSEMBLY HAS NOT RUN ON A CHIP YET: docs/compiler.md, "Vectors of the ESP32-S3".
 * Source: Espressif, ESP32-S3 Technical Reference Manual, version 1.7, chapter 1 "Processor Instruction
 * Extensions (PIE)": 1.5 (registers, alignment), 1.8 (each instruction).
 */
#ifndef ED_NN_S3_PIE_H
#define ED_NN_S3_PIE_H

#include <stdint.h>

#include "nn/inline.h"

/* Operands are names of the block's own variables; registers are numbers, steps are in bytes. */
#if defined(__XTENSA__) && defined(ESP_PLATFORM)

#include "sdkconfig.h"
#ifndef CONFIG_IDF_TARGET_ESP32S3
#error "These kernels are for an ESP32-S3: compile the model again, without --target esp32s3."
#endif

#define ED_PIE_BLOCK(code, ...) __asm__ volatile(code __VA_ARGS__)
/* Count and turns of the core's zero-overhead loop; no turn at all for 0. GCC makes no such loop of
 * its own around an inline assembly. */
#define ED_PIE_LOOPNEZ(as, body) "loopnez %[" #as "], 9f\n\t" body "9:\n\t"
#define ED_PIE_ZERO_ACCX "ee.zero.accx\n\t"
#define ED_PIE_ZERO_QACC "ee.zero.qacc\n\t"
#define ED_PIE_VLD_128_IP(qu, as, step) "ee.vld.128.ip q" #qu ", %[" #as "], " #step "\n\t"
#define ED_PIE_VLD_128_XP(qu, as, ad) "ee.vld.128.xp q" #qu ", %[" #as "], %[" #ad "]\n\t"
#define ED_PIE_VMULAS_S8_ACCX(qx, qy) "ee.vmulas.s8.accx q" #qx ", q" #qy "\n\t"
#define ED_PIE_VMULAS_S8_QACC(qx, qy) "ee.vmulas.s8.qacc q" #qx ", q" #qy "\n\t"
#define ED_PIE_ST_QACC_L_L_128_IP(as, step) "ee.st.qacc_l.l.128.ip %[" #as "], " #step "\n\t"
#define ED_PIE_ST_QACC_L_H_32_IP(as, step) "ee.st.qacc_l.h.32.ip %[" #as "], " #step "\n\t"
#define ED_PIE_ST_QACC_H_L_128_IP(as, step) "ee.st.qacc_h.l.128.ip %[" #as "], " #step "\n\t"
#define ED_PIE_ST_QACC_H_H_32_IP(as, step) "ee.st.qacc_h.h.32.ip %[" #as "], " #step "\n\t"
#define ED_PIE_RUR_ACCX_0(ar) "rur.accx_0 %[" #ar "]\n\t"

#else

#include "nn/s3/pie_model.h"

#define ED_PIE_BLOCK(code, ...) \
    do {                        \
        ed_pie_unit pie;        \
        pie.known = 0;          \
        code                    \
    } while (0)
#define ED_PIE_LOOPNEZ(as, body)                                   \
    for (uint32_t pie_turns = (as); pie_turns != 0; --pie_turns) { \
        body                                                       \
    }
#define ED_PIE_ZERO_ACCX ed_pie_zero_accx(&pie);
#define ED_PIE_ZERO_QACC ed_pie_zero_qacc(&pie);
#define ED_PIE_VLD_128_IP(qu, as, step) as = ed_pie_vld_128(&pie, qu, as, step);
#define ED_PIE_VLD_128_XP(qu, as, ad) as = ed_pie_vld_128(&pie, qu, as, ad);
#define ED_PIE_VMULAS_S8_ACCX(qx, qy) ed_pie_vmulas_s8_accx(&pie, qx, qy);
#define ED_PIE_VMULAS_S8_QACC(qx, qy) ed_pie_vmulas_s8_qacc(&pie, qx, qy);
#define ED_PIE_ST_QACC_L_L_128_IP(as, step) as = ed_pie_st_qacc(&pie, 0, 0, 4, as, step);
#define ED_PIE_ST_QACC_L_H_32_IP(as, step) as = ed_pie_st_qacc(&pie, 0, 4, 1, as, step);
#define ED_PIE_ST_QACC_H_L_128_IP(as, step) as = ed_pie_st_qacc(&pie, 8, 0, 4, as, step);
#define ED_PIE_ST_QACC_H_H_32_IP(as, step) as = ed_pie_st_qacc(&pie, 8, 4, 1, as, step);
#define ED_PIE_RUR_ACCX_0(ar) ar = ed_pie_rur_accx_0(&pie);

#endif

#endif
