/* A display of 72 x 40 pixels with an SSD1306, on I2C. It keeps what it shows by itself. */
#ifndef ED_SSD1306_H
#define ED_SSD1306_H

#include <Wire.h>

/* Make it ready, dark. False where none answers. */
bool ed_ssd1306_begin(TwoWire *bus);

/* A label, as large as it fits, and its score below. Takes 8.6 ms (docs/arduino_port.md). */
void ed_ssd1306_show(const char *label, const char *score);

void ed_ssd1306_darken(void);

#endif
