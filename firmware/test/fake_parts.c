/* Stands for ports/host/parts.c: an LED that nobody sees, a file named by
 * ED_FAKE_SHOWN that gets a line each time something is shown, a page of RAM that is as it should be, and
 * with ED_FAKE_ALIASED=1 two more whose addresses lead to the same page, as where an address line
 * is broken; with ED_FAKE_ROOM=n a link that holds n bytes. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "ports/ed_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

uint32_t ed_port_room(void)
{
    const char *const room = getenv("ED_FAKE_ROOM");

    return room == NULL ? 0 : (uint32_t)strtoul(room, NULL, 10);
}

const char *ed_port_variant(void)
{
    return NULL;
}

bool ed_port_led(bool on)
{
    (void)on;
    return true;
}

void ed_port_show(const ed_port_shown *shown)
{
    const char *const path = getenv("ED_FAKE_SHOWN");
    FILE *const file = path != NULL ? fopen(path, "a") : NULL;

    if (file == NULL) {
        return;
    }
    if (shown->label != NULL) {
        fprintf(file, "%s, %s, colour %lu\n", shown->label, shown->score,
                (unsigned long)shown->colour);
    } else {
        fprintf(file, "level %u\n", shown->level);
    }
    (void)fclose(file);
}

static ed_port_memory aliased(void)
{
    ed_port_memory both = {NULL, NULL};
    FILE *const page = tmpfile();
    uint8_t *low;

    if (page == NULL || fseek(page, PAGE - 1, SEEK_SET) != 0 || fputc(0, page) == EOF ||
        fflush(page) != 0) {
        abort();
    }
    low = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < 2; i++) {
        if (mmap(low + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fileno(page),
                 0) == MAP_FAILED) {
            abort();
        }
    }
    both.low = low;
    both.high = low + 2 * PAGE;
    return both;
}

ed_port_memory ed_port_spare(uint32_t i)
{
    static uint32_t good[PAGE / sizeof(uint32_t)];
    ed_port_memory spare = {NULL, NULL};

    if (i == 0) {
        spare.low = (uint8_t *)good;
        spare.high = spare.low + sizeof good;
    } else if (i == 1 && getenv("ED_FAKE_ALIASED") != NULL) {
        spare = aliased();
    }
    return spare;
}
