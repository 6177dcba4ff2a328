/* Letters of 5 x 8 pixels for ASCII, drawn for this firmware. */
#ifndef ED_FONT_H
#define ED_FONT_H

#include <stdint.h>

#define ED_FONT_COLUMNS 5

/* The columns of a letter, left to right; bit 0 is the uppermost pixel. Those of '?' for what is
 * not printable ASCII. */
const uint8_t *ed_font_letter(char letter);

#endif
