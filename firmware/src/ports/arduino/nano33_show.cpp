/* What a Nano 33 BLE shows: a label by the colour of its RGB LED, a brightness by the orange one. */
#include <Arduino.h>

#if defined(ARDUINO_ARDUINO_NANO33BLE)

extern "C" {
#include "ports/ed_port.h"
}

enum { RED = 1, GREEN = 2, BLUE = 4, ORANGE = 8 };

/* Of the labels that can be decided, in their order; after these seven, again with the orange LED.
 * The first three are those of TensorFlow's micro_speech. */
static const uint8_t COLOURS[] = {
    GREEN, RED, BLUE, RED | GREEN, GREEN | BLUE, RED | BLUE, RED | GREEN | BLUE};
static const uint32_t COUNT = sizeof COLOURS;

static uint8_t lights_of(const ed_port_shown *shown)
{
    if (shown->label == nullptr) {
        return 0;
    }
    return static_cast<uint8_t>(COLOURS[shown->colour % COUNT] |
                                (shown->colour / COUNT % 2 != 0 ? ORANGE : 0));
}

/* The orange LED is on at high, the others at low. */
static void light(uint8_t lights)
{
    static uint8_t lit; /* none at the start: the pins are inputs */
    static bool ready;

    if (lights == lit) {
        return;
    }
    if (!ready) {
        ready = true;
        pinMode(LEDR, OUTPUT);
        pinMode(LEDG, OUTPUT);
        pinMode(LEDB, OUTPUT);
        pinMode(LED_BUILTIN, OUTPUT);
    }
    lit = lights;
    digitalWrite(LEDR, (lights & RED) != 0 ? LOW : HIGH);
    digitalWrite(LEDG, (lights & GREEN) != 0 ? LOW : HIGH);
    digitalWrite(LEDB, (lights & BLUE) != 0 ? LOW : HIGH);
    digitalWrite(LED_BUILTIN, (lights & ORANGE) != 0 ? HIGH : LOW);
}

extern "C" void ed_port_show(const ed_port_shown *shown)
{
    static bool dims; /* from then on the pin is the PWM's */

    light(lights_of(shown));
    dims = dims || shown->level != 0;
    if (dims) {
        analogWrite(LED_BUILTIN, shown->level);
    }
}

#endif
