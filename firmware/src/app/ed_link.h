/* Bytes from the host, in pieces, so that a port is not asked for each byte. */
#ifndef ED_LINK_H
#define ED_LINK_H

#include <stddef.h>
#include <stdint.h>

/* Forget what has been taken from the port and not read yet. */
void ed_link_reset(void);

/* Read at most `limit` bytes into `to`, without waiting; returns how many. */
size_t ed_link_read(uint8_t *to, size_t limit);

#endif
