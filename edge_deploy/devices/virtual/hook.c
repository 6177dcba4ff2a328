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

/* `reads` of a block whose loads have addresses that are not known when it begins. */
#define WATCHED 0xFFFFFFFFu

/* The bits of XPSR that say how far an IT block has come (ARMv7-M manual, B1.4.2). */
#define IT_BITS 0x0600FC00u

/* A block that has run so often is worth being translated anew (cpu.py). */
#define HOT 400

/* An access of a block: `size` bytes at constant + factors[0] * registers[0] + factors[1] *
 * registers[1], modulo 2^32, with the registers as they are when the block begins (reads.py). */
typedef struct {
    uint32_t constant;
    uint32_t factors[2];
    uint8_t registers[2];
    uint8_t size;
    uint8_t reserved;
} read_access;

/* One basic block: where it stands and what it costs. size 0: the place in the table is free. */
typedef struct {
    uint32_t address;
    uint32_t size;         /* bytes */
    uint32_t cycles;       /* zero wait states, without what depends on the block before */
    uint32_t instructions;
    uint64_t head;         /* registers that the first instruction forms an address from, flags */
    uint64_t tail;         /* registers that the last instruction produced, flags */
    uint32_t words;        /* words of flash that it reads at addresses that never change */
    uint32_t first;        /* its first one in `accesses` */
    uint32_t reads;        /* how many; or WATCHED */
    uint32_t registers;    /* bits 0 to 14: those that its accesses need */
    uint32_t heat;         /* how often it has run, up to HOT */
    uint32_t skips;        /* 1: may skip instructions, in an IT block that ends within it */
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
    uint32_t watching;     /* 1: ed_hook_flash_read counts; the block's loads are not known */
    uint32_t counting;     /* 1: words read from flash are counted */
    uint32_t flash_bytes;  /* flash is from address 0 */
    uint32_t pause;        /* 1: stop before any block */
    uint32_t hot;          /* size of the block at `last` before which it stopped: it is hot */
    uint32_t flush;        /* 1: stopped before a block that must be translated anew */
    uint32_t doubt;        /* 1: the block before skips and was watched */
    uint32_t stale;        /* 1: stopped before a block that must begin outside any IT block */
    int names[16];         /* unicorn's numbers of r0 to r14 and XPSR */
    int (*stop)(void *);   /* uc_emu_stop */
    int (*get)(void *, int, void *); /* uc_reg_read */
    void (*miss)(uint32_t address, uint32_t size); /* fills `fresh` */
    block *table;          /* [1 << bits], open addressing */
    const read_access *accesses;
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
    case 5:
        return (uint32_t)sizeof(read_access);
    case 6:
        return (uint32_t)offsetof(counters, names);
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

static block *learn(counters *c, uint32_t address, uint32_t size)
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

/* Words that an access touches: one that reaches into a second word counts two. */
static uint32_t words_of(uint32_t address, uint32_t size)
{
    return ((address & 3u) + size + 3u) >> 2;
}

/* Words that a block will read from flash. */
static uint32_t flash_words(void *uc, const counters *c, const block *b)
{
    uint32_t values[16];
    uint32_t words = b->words;
    uint32_t wanted = b->registers;
    if (b->reads == 0) {
        return words;
    }
    values[0] = 0; /* an access of one register names r0, times 0, as its second */
    for (int i = 0; wanted != 0; i++, wanted >>= 1) {
        if ((wanted & 1u) != 0) {
            (void)c->get(uc, c->names[i], &values[i]);
        }
    }
    for (uint32_t i = 0; i < b->reads; i++) {
        const read_access *r = &c->accesses[b->first + i];
        const uint32_t address = r->constant + r->factors[0] * values[r->registers[0]] +
                                 r->factors[1] * values[r->registers[1]];
        if (address < c->flash_bytes) {
            words += words_of(address, r->size);
        }
    }
    return words;
}

/* Let a block become hot again. */
EXPORT void ed_hook_cool(counters *c, uint32_t address, uint32_t size)
{
    block *b = place(c, address, size);
    if (b->size != 0) {
        b->heat = 0;
    }
}

/* UC_HOOK_BLOCK. A stop here takes effect before the block runs, and the block comes again when
 * emulation goes on: so it must not be counted yet. */
EXPORT void ed_hook_block(void *uc, uint64_t address, uint32_t size, counters *c)
{
    const uint32_t start = (uint32_t)address;
    block *b;
    if (c->pause != 0 || c->cycles + c->wait_states * c->flash_words >= c->limit) {
        c->stopped = 1;
        (void)c->stop(uc);
        return;
    }
    if (c->doubt != 0) {
        /* unicorn 2.1 notes the IT block when it calls a hook at a load, and where that load is
         * skipped, forgets to take it back: the next block would skip instructions as well. */
        uint32_t xpsr = 0;
        c->doubt = 0;
        (void)c->get(uc, c->names[15], &xpsr);
        if ((xpsr & IT_BITS) != 0) {
            c->stale = 1;
            c->stopped = 1;
            (void)c->stop(uc);
            return;
        }
    }
    b = place(c, start, size);
    if (b->size == 0) {
        b = learn(c, start, size);
    }
    if (c->counting != 0) {
        if (b->reads != WATCHED && b->heat < HOT && ++b->heat == HOT) {
            c->hot = size;
        }
        if ((c->hot | c->flush) != 0) {
            c->last = start;
            c->stopped = 1;
            (void)c->stop(uc);
            return;
        }
        c->watching = b->reads == WATCHED;
        c->doubt = c->watching & b->skips;
        if (c->watching == 0) {
            c->flash_words += flash_words(uc, c, b);
        }
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

/* UC_HOOK_MEM_READ over the flash. Loads of a block that was counted when it began come here as
 * well, as long as it was not translated anew, and now and then after that. */
EXPORT void ed_hook_flash_read(void *uc, int type, uint64_t address, int size, int64_t value,
                               counters *c)
{
    (void)uc;
    (void)type;
    (void)value;
    if (c->watching != 0) {
        c->flash_words += words_of((uint32_t)address, (uint32_t)size);
    }
}
