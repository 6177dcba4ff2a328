#include "fake_port.h"

#include "check.h"

char fake_port_sent[FAKE_PORT_KEPT + 1];
size_t fake_port_sent_bytes;
size_t fake_port_longest_write;
ed_port_counts fake_port_now;
ed_port_counts fake_port_step;

void fake_port_clear(void)
{
    memset(fake_port_sent, 0, sizeof fake_port_sent);
    fake_port_sent_bytes = 0;
    fake_port_longest_write = 0;
}

void ed_port_write(const uint8_t *bytes, size_t count)
{
    CHECK(fake_port_sent_bytes + count <= FAKE_PORT_KEPT);
    memcpy(fake_port_sent + fake_port_sent_bytes, bytes, count);
    fake_port_sent_bytes += count;
    if (count > fake_port_longest_write) {
        fake_port_longest_write = count;
    }
}

void ed_port_counters(ed_port_counts *now)
{
    *now = fake_port_now;
    for (size_t i = 0; i < ED_PORT_COUNTERS; i++) {
        fake_port_now.value[i] += fake_port_step.value[i];
    }
}
