/* The lab's labels. */
#ifndef ED_LABELS_H
#define ED_LABELS_H

#include <stdint.h>

/* Label `i`, below ED_APP_LABELS, escaped for the wire (docs/wire.md). */
const char *ed_labels_text(uint32_t i);

#endif
