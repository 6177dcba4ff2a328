#include "wire/ed_command.h"

#include "wire/ed_crc.h"
#include "wire/ed_text.h"

enum { CRC_DIGITS = 8 };

void ed_command_clear(ed_command *command)
{
    command->length = 0;
    command->spoiled = false;
    command->text[0] = '\0';
}

ed_command_event ed_command_put(ed_command *command, uint8_t byte)
{
    if (byte == '%') {
        const bool spoiled = command->spoiled;
        command->text[command->length] = '\0';
        command->length = 0;
        command->spoiled = false;
        return spoiled ? ED_COMMAND_SPOILED : ED_COMMAND_READY;
    }
    if (byte == '\r' || byte == '\n') {
        return ED_COMMAND_PARTIAL;
    }
    if (byte < 0x20u || byte > 0x7Eu || command->length == ED_WIRE_COMMAND_BYTES) {
        command->spoiled = true;
        return ED_COMMAND_PARTIAL;
    }
    command->text[command->length++] = (char)byte;
    return ED_COMMAND_PARTIAL;
}

ed_command_seal ed_command_unseal(ed_command *command)
{
    size_t length = 0;
    size_t star = 0;
    bool starred = false;
    uint32_t crc;

    for (; command->text[length] != '\0'; length++) {
        if (command->text[length] == '*') {
            star = length;
            starred = true;
        }
    }
    if (!starred) {
        return ED_COMMAND_PLAIN;
    }
    if (length - star != 1 + CRC_DIGITS ||
        ed_text_read_hex(command->text + star + 1, CRC_DIGITS, &crc) != ED_OK ||
        crc != ed_crc32(0, command->text, star)) {
        return ED_COMMAND_BROKEN;
    }
    command->text[star] = '\0';
    return ED_COMMAND_SEALED;
}

size_t ed_command_words(ed_command *command, char *words[ED_COMMAND_MAX_WORDS])
{
    char *at = command->text;
    size_t count = 0;

    for (;;) {
        while (*at == ' ') {
            at++;
        }
        if (*at == '\0') {
            return count;
        }
        words[count++] = at;
        if (count == ED_COMMAND_MAX_WORDS) {
            return count;
        }
        while (*at != ' ' && *at != '\0') {
            at++;
        }
        if (*at == '\0') {
            return count;
        }
        *at++ = '\0';
    }
}
