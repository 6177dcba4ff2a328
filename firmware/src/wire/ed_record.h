/* Records to the host: `ed-<kind> seq=<n> <key>=<value> ...*<crc>`, docs/wire.md, "Our records".
 *
 * Begin, add fields, end; nothing else may be written in between. A field that no longer fits the
 * line's ED_WIRE_LINE_BYTES is left out whole: what is not there is not known.
 */
#ifndef ED_RECORD_H
#define ED_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* Start the sequence numbers from 0, as at boot. */
void ed_record_reset(void);

void ed_record_begin(const char *kind);
void ed_record_u64(const char *key, uint64_t value);
void ed_record_i32(const char *key, int32_t value);
void ed_record_hex32(const char *key, uint32_t value);                 /* a CRC, a float's bits */
void ed_record_hex(const char *key, const void *bytes, size_t count);  /* byte strings */
void ed_record_text(const char *key, const char *escaped);             /* escaped already, cut to
                                                                          ED_WIRE_TEXT_BYTES */
/* A list with commas of the names whose bit is set in `mask` (bit i: names[i]); "none" if none. */
void ed_record_names(const char *key, const char *const *names, size_t count, uint32_t mask);
/* A tensor's shape: "1x49x10x1", empty where the rank is 0. */
void ed_record_shape(const char *key, const uint32_t *sizes, size_t rank);
void ed_record_end(void);

/* `ed-error code=<code>` alone. */
void ed_record_error(const char *code);

#endif
