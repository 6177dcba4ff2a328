/* A sketch that shows what the host says, by ed_port_show(): a line with a label, a score and a
 * colour, a tab between them; or with a level. */
#include <Arduino.h>
#include <Wire.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include "ports/ed_port.h"
}

static void show(char *line)
{
    ed_port_shown shown = {nullptr, nullptr, 0, 0};
    char *const tab = strchr(line, '\t');

    if (tab == nullptr) {
        shown.level = static_cast<uint8_t>(atoi(line));
    } else {
        char *const second = strchr(tab + 1, '\t');
        *tab = *second = '\0';
        shown.label = line;
        shown.score = tab + 1;
        shown.colour = static_cast<uint32_t>(atoi(second + 1));
    }
    ed_port_show(&shown);
}

void setup()
{
    Serial.begin(115200);
    Wire.begin();
}

void loop()
{
    static char line[80];
    static size_t count;

    if (Serial.available() <= 0) {
        delay(1);
        return;
    }
    const int byte = Serial.read();
    if (byte == '\n') {
        line[count] = '\0';
        show(line);
        count = 0;
    } else {
        line[count++] = static_cast<char>(byte);
    }
}
