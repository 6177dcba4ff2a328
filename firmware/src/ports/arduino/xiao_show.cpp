/* What a XIAO ESP32S3 shows: that there is a label, or a brightness, by its LED; and the label's text
 * and score on the display of the XIAOML kit. */
#include <Arduino.h>

#if defined(ARDUINO_ARCH_ESP32)

#include <Wire.h>

#include "ports/arduino/ed_ssd1306.h"

extern "C" {
#include "ports/ed_port.h"
}

/* The LED is on at low. */
static void light(bool on)
{
    static bool lit; /* not at the start: the pin is an input */

    if (on != lit) {
        lit = on;
        pinMode(LED_BUILTIN, OUTPUT);
        digitalWrite(LED_BUILTIN, on ? LOW : HIGH);
    }
}

static void display(const ed_port_shown *shown)
{
    static bool looked, found;

    if (!looked) { /* at the boot, when ed_board_init() has begun the bus */
        looked = true;
        found = ed_ssd1306_begin(&Wire);
    } else if (found && shown->label != nullptr) {
        ed_ssd1306_show(shown->label, shown->score);
    } else if (found) {
        ed_ssd1306_darken();
    }
}

extern "C" void ed_port_show(const ed_port_shown *shown)
{
    static bool dims; /* from then on the pin is the PWM's */

    light(shown->label != nullptr);
    dims = dims || shown->level != 0;
    if (dims) {
        analogWrite(LED_BUILTIN, 255 - shown->level);
    } else {
        display(shown);
    }
}

#endif
