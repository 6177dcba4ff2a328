/* Counts cycles, instructions and flash reads of the emulated Cortex-M4, without Python.
 *
 * Built as a shared library on first use (native.py) and handed to unicorn as plain function
 * pointers. The structures are mirrored by ctypes in native.py; `ed_hook_layout` lets it check.
 * What a block costs is decided in cycles.py, once, when the block is first seen.
 */
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* Bits of `head` and `tail` beside the register masks (cycles.py). */
#define BRANCH_ALWAYS ((uint64_t)1 << 62) /* tail: ends in an unconditional branch */
#define SINGLE_LOAD ((uint64_t)1 << 63)   /* head, tail: that instruction is a single load */
#define REGISTERS (BRANCH_ALWAYS - 1)

/* Cycles to refill the pipeline after a taken branch (docs/cycle_model.md). */
#define BRANCH_REFILL 2

/* One basic block: where it stands and what it costs. size 0: the place in the table is free. */
typedef struct {
    uint32_t address;
    uint32_t size;         /* bytes */
    uint32_t cycles;       /* zero wait states, without what depends on the block before */
    uint32_t instructions;
    uint64_t head;         /* registers that the first instruction forms an address from, flags */
    uint64_t tail;         /* registers that the last instruction produced, flags */
} block;

typedef struct {
    uint64_t cycles;       /* zero wait states */
    uint64_t instructions;
    uint64_t flash_words;  /* 32-bit words of data read from flash */
    uint64_t blocks;
    volatile uint64_t limit; /* stop before the block that begins at or beyond this clock */
    uint64_t tail;         /* of the block before */
    uint32_t next;         /* address behind the block before */
    uint32_t last;         /* address of the block that runs now */
    uint32_t wait_states;  /* clock cycles more for each of flash_words */
    uint32_t stopped;      /* 1: the limit was reached */
    uint32_t used;         /* places taken in `table` */
    uint32_t bits;         /* log2 of the places in `table` */
    int (*stop)(void *);   /* uc_emu_stop */
    void (*miss)(uint32_t address, uint32_t size); /* fills `fresh` */
    block *table;          /* [1 << bits], open addressing */
    block fresh;
} counters;

/* Offsets that native.py compares with its own: a mismatch would corrupt memory. */
EXPORT uint32_t ed_hook_layout(uint32_t which)
{
    switch (which) {
    case 0:
        return (uint32_t)sizeof(block);
    case 1:
        return (uint32_t)sizeof(counters);
    case 2:
        return (uint32_t)offsetof(counters, limit);
    case 3:
        return (uint32_t)offsetof(counters, stop);
    case 4:
        return (uint32_t)offsetof(counters, fresh);
    default:
        return 0;
    }
}

/* The place of a block, or the free place where it belongs. */
static block *place(const counters *c, uint32_t address, uint32_t size)
{
    const uint32_t mask = ((uint32_t)1 << c->bits) - 1;
    uint32_t at = ((address >> 1) * 2654435761u) >> (32 - c->bits); /* Knuth's golden ratio */
    while (c->table[at].size != 0 &&
           (c->table[at].address != address || c->table[at].size != size)) {
        at = (at + 1) & mask;
    }
    return &c->table[at];
}

static const block *learn(counters *c, uint32_t address, uint32_t size)
{
    block *b;
    c->miss(address, size);
    if (c->used >= ((uint32_t)3 << c->bits) / 4) { /* full: start over rather than probe long */
        for (uint32_t i = 0; i < (uint32_t)1 << c->bits; i++) {
            c->table[i].size = 0;
        }
        c->used = 0;
    }
    b = place(c, address, size);
    *b = c->fresh;
    b->address = address;
    b->size = size;
    c->used++;
    return b;
}

/* UC_HOOK_BLOCK. A stop here takes effect before the block runs, and the block comes again when
 * emulation goes on: so it must not be counted yet. */
EXPORT void ed_hook_block(void *uc, uint64_t address, uint32_t size, counters *c)
{
    const uint32_t start = (uint32_t)address;
    const block *b;
    if (c->cycles + c->wait_states * c->flash_words >= c->limit) {
        c->stopped = 1;
        (void)c->stop(uc);
        return;
    }
    b = place(c, start, size);
    if (b->size == 0) {
        b = learn(c, start, size);
    }
    if (start != c->next || (c->tail & BRANCH_ALWAYS) != 0) {
        c->cycles += BRANCH_REFILL;
    } else {
        const uint64_t shared = c->tail & b->head;
        c->cycles += (shared & REGISTERS) != 0 ? 1u : 0u;
        c->cycles -= (shared & SINGLE_LOAD) != 0 ? 1u : 0u;
    }
    c->cycles += b->cycles;
    c->instructions += b->instructions;
    c->blocks++;
    c->tail = b->tail;
    c->next = start + size;
    c->last = start;
}

/* UC_HOOK_MEM_READ over the flash: an access that touches two words counts two. */
EXPORT void ed_hook_flash_read(void *uc, int type, uint64_t address, int size, int64_t value,
                               counters *c)
{
    (void)uc;
    (void)type;
    (void)value;
    c->flash_words += ((address & 3u) + (uint64_t)size + 3u) >> 2;
}
