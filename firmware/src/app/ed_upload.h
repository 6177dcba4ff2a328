/* Bytes that follow a command: docs/wire.md, "`load N CRC`". */
#ifndef ED_UPLOAD_H
#define ED_UPLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "wire/ed_wire.h"

typedef struct {
    uint32_t bytes;
    uint32_t crc;
} ed_upload;

/* Where byte `offset` of an upload is to be written, and in *length how many from there on. */
typedef uint8_t *(*ed_upload_place)(size_t offset, size_t *length);

/* Read the words of an upload's command; says what is wrong with them. ED_MALFORMED. */
ed_status ed_upload_read(char *const *words, size_t count, ed_upload *upload);

/* Say that an upload has not the size that is wanted. */
void ed_upload_refuse(uint32_t want);

/* Take the bytes of an upload to where they belong, and say what is wrong with them, if anything
 * is. crc_of: the CRC-32 of what was written. ED_MISSING: not all came. ED_MALFORMED: others came. */
ed_status ed_upload_take(const ed_upload *upload, ed_upload_place at, uint32_t (*crc_of)(void));

/* Confirm an upload that was taken. */
void ed_upload_confirm(const ed_upload *upload);

#endif
