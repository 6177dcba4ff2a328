#include "app/ed_link.h"

#include "ports/ed_port.h"

static struct {
    uint8_t bytes[64]; /* a command is at most 81 */
    size_t next;
    size_t count;
} held;

void ed_link_reset(void)
{
    held.next = 0;
    held.count = 0;
}

size_t ed_link_read(uint8_t *to, size_t limit)
{
    size_t count;

    if (held.next == held.count) {
        if (limit >= sizeof held.bytes) {
            return ed_port_read(to, limit); /* an upload goes where it belongs at once */
        }
        held.next = 0;
        held.count = ed_port_read(held.bytes, sizeof held.bytes);
    }
    count = held.count - held.next;
    if (count > limit) {
        count = limit;
    }
    for (size_t i = 0; i < count; i++) {
        to[i] = held.bytes[held.next++];
    }
    return count;
}
