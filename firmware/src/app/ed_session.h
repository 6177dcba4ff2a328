/* Our own commands: docs/wire.md, "Our commands". */
#ifndef ED_SESSION_H
#define ED_SESSION_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a word is a command of ours, which is only taken with a CRC. */
bool ed_session_knows(const char *word);

/* Carry out a command whose CRC was right; the caller sends "m-ready".
 * Returns false when the board is to restart, and no "m-ready" is due. */
bool ed_session_execute(char *const *words, size_t count);

/* Answer `hello`. */
void ed_session_hello(void);

#endif
