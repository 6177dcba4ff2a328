/* A port for unit tests: keeps what is written, and counts what it is told to. */
#ifndef FAKE_PORT_H
#define FAKE_PORT_H

#include "ports/ed_port.h"

#define FAKE_PORT_KEPT 65536

extern char fake_port_sent[FAKE_PORT_KEPT + 1]; /* terminated */
extern size_t fake_port_sent_bytes;
extern size_t fake_port_longest_write;
extern ed_port_counts fake_port_now; /* each snapshot adds `fake_port_step` to it afterwards */
extern ed_port_counts fake_port_step;

void fake_port_clear(void);

#endif
