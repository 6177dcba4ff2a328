/* The OV7675 of Arduino's TinyML shield on a Nano 33 BLE: whether it is there, and its frames. */
#ifndef ED_OV7675_H
#define ED_OV7675_H

#include <stdint.h>

#define ED_OV7675_WIDTH 320
#define ED_OV7675_HEIGHT 240

/* Look for it; once a boot. Where it is not there, no pin is left as an output, and the bus on A4
 * and A5 is given up. Takes 50 ms. */
bool ed_ov7675_found(void);

/* Switch it on, at the highest pace at which its frames can be read whole here: 5 a second, 2.5 or
 * 1.25. Takes one to ten frames. Returns false where it does not answer, or at none of them. */
bool ed_ov7675_begin(void);

void ed_ov7675_end(void);

typedef enum {
    ED_OV7675_WHOLE,
    ED_OV7675_TORN, /* a row was missed; the next frame may be whole */
    ED_OV7675_NONE, /* no frame comes */
} ed_ov7675_result;

/* Wait for the next frame and read it: `take` gets its rows, of ED_OV7675_WIDTH grey pixels, from
 * the uppermost on. The core does nothing else meanwhile, for two frames' time at most; interrupts
 * are shut out for a row's time and not longer. Of a torn frame some rows were given. */
ed_ov7675_result ed_ov7675_frame(void (*take)(uint32_t row, const uint8_t *pixels));

#endif
