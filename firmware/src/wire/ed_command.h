/* Bytes from the host to commands: docs/wire.md, "Bytes, commands, lines". */
#ifndef ED_COMMAND_H
#define ED_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/ed_wire.h"

#define ED_COMMAND_MAX_WORDS 6

typedef struct {
    char text[ED_WIRE_COMMAND_BYTES + 1]; /* terminated when ED_COMMAND_READY was returned */
    uint8_t length;
    bool spoiled; /* overlong or unreadable: to be thrown away through its '%' */
} ed_command;

typedef enum {
    ED_COMMAND_PARTIAL = 0, /* nothing to do yet */
    ED_COMMAND_READY = 1,   /* `text` is a command; it may be empty */
    ED_COMMAND_SPOILED = 2  /* a command has ended that was thrown away */
} ed_command_event;

typedef enum {
    ED_COMMAND_PLAIN = 0,  /* no '*': an MLPerf Tiny command, or `hello` */
    ED_COMMAND_SEALED = 1, /* a right CRC, which was cut off the text */
    ED_COMMAND_BROKEN = 2  /* a '*', but not a right CRC after it */
} ed_command_seal;

/* Forget what came so far. */
void ed_command_clear(ed_command *command);

/* Take one byte. After READY or SPOILED the next byte begins a new command. */
ed_command_event ed_command_put(ed_command *command, uint8_t byte);

/* Check the CRC of a command of ours, and cut "*<crc>" off its text. */
ed_command_seal ed_command_unseal(ed_command *command);

/* Split the text into words in place: each is terminated, and words[i] points to it.
 * Returns the number of words; ED_COMMAND_MAX_WORDS means as many or more, the last one then
 * holds all the rest. */
size_t ed_command_words(ed_command *command, char *words[ED_COMMAND_MAX_WORDS]);

#endif
