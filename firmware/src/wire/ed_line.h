/* Lines to the host: text put together in one static buffer, sent when the line ends. */
#ifndef ED_LINE_H
#define ED_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/ed_wire.h"

/* Add to the line. A plain line that outgrows the buffer is sent in pieces, so only `m-results`
 * may be longer than ED_WIRE_LINE_BYTES; a record never is (see ed_record.h). */
void ed_line_put(char c);
void ed_line_text(const char *text);
void ed_line_u64(uint64_t value);
void ed_line_i32(int32_t value);
void ed_line_hex32(uint32_t value);                       /* eight digits */
void ed_line_hex(const void *bytes, size_t count);        /* two digits a byte */
void ed_line_escaped(const char *text, size_t limit); /* at most `limit` characters come out */
void ed_line_cut_text(const char *escaped, size_t limit); /* text that is escaped already */

/* End the line with CR LF and send it. */
void ed_line_end(void);

/* A whole line of fixed text. */
void ed_line_send(const char *text);

/* "e-[text]", and "e-[textX]" with X escaped and cut to 40 characters where it is not null. */
void ed_line_error(const char *text, const char *detail);

/* For ed_record.c: a line that must fit. */
void ed_line_bound(void); /* what does not fit from now on is not taken, and noted */
size_t ed_line_length(void); /* characters so far */
bool ed_line_overflowed(void); /* whether something was not taken */
void ed_line_rewind(size_t length); /* back to that length; clears the note */
void ed_line_seal(void); /* "*" and the CRC-32 of the line so far, CR LF, send */

#endif
