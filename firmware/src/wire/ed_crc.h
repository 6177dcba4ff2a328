/* CRC-32 as zlib.crc32: polynomial 0xEDB88320 reflected, initial and final 0xFFFFFFFF. */
#ifndef ED_CRC_H
#define ED_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continue a CRC over `count` more bytes. `crc` is 0 for the first of them, then what the last
 * call returned: ed_crc32(ed_crc32(0, a), b) is the CRC of a followed by b. */
uint32_t ed_crc32(uint32_t crc, const void *bytes, size_t count);

#endif
