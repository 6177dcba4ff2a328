/* The constants of the wire, as docs/wire.md, "Constants", gives them. */
#ifndef ED_WIRE_H
#define ED_WIRE_H

#define ED_WIRE_PROTOCOL 1
#define ED_WIRE_COMMAND_BYTES 80
#define ED_WIRE_LINE_BYTES 512
#define ED_WIRE_TEXT_BYTES 96
#define ED_WIRE_OUT_BYTES 64
#define ED_WIRE_DB_BYTES 31
#define ED_WIRE_HEAR_BYTES 3200
#define ED_WIRE_RAW_BYTES 200
#define ED_WIRE_UPLOAD_SILENCE_MS 500
#define ED_WIRE_MAX_RUNS 1000000
#define ED_WIRE_MAX_WARMUP 10000
#define ED_WIRE_DEFAULT_WARMUP 10

typedef enum {
    ED_OK = 0,
    ED_MALFORMED = 1, /* not a number, not hex, a digit missing */
    ED_RANGE = 2,     /* understood, but outside its limits */
    ED_MISSING = 3    /* the board has nothing that does it */
} ed_status;

#endif
