/* What `edge-deploy restore` puts on a board: the LED, a second on and a second off.
 * Serial stays open, so that the next upload finds a port to ask for the bootloader. */
#include <Arduino.h>

void setup()
{
    Serial.begin(115200);
    pinMode(LED_BUILTIN, OUTPUT);
}

void loop()
{
    digitalWrite(LED_BUILTIN, HIGH);
    delay(1000);
    digitalWrite(LED_BUILTIN, LOW);
    delay(1000);
}
