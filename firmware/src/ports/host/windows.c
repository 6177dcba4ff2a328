/* This computer as a board, under Windows: the wire on standard input and output, the performance
 * counter as clock. Counts no cycles, knows no stack; ends where its input does. */
#ifdef _WIN32

#define WIN32_LEAN_AND_MEAN

#include "ports/ed_port.h"

#include <windows.h>

#include <stdlib.h>

#include "app/ed_app.h"

static ed_port_reset_reason reason = ED_PORT_RESET_POWER;
static HANDLE input;
static HANDLE output;
static uint64_t boot_us;

static uint64_t clock_us(void)
{
    LARGE_INTEGER ticks;
    LARGE_INTEGER ticks_a_second;
    uint64_t seconds;
    uint64_t rest;

    QueryPerformanceFrequency(&ticks_a_second);
    QueryPerformanceCounter(&ticks);
    seconds = (uint64_t)ticks.QuadPart / (uint64_t)ticks_a_second.QuadPart;
    rest = (uint64_t)ticks.QuadPart % (uint64_t)ticks_a_second.QuadPart;
    return seconds * 1000000u + rest * 1000000u / (uint64_t)ticks_a_second.QuadPart;
}

/* How many bytes can be read without waiting. A pipe says so; a file or console, which a person
 * may put in its place, is read as if one byte were always there. Ends with the pipe. */
static DWORD waiting(void)
{
    DWORD count = 0;

    if (PeekNamedPipe(input, NULL, 0, NULL, &count, NULL)) {
        return count;
    }
    if (GetLastError() == ERROR_BROKEN_PIPE) {
        exit(EXIT_SUCCESS); /* the host has gone */
    }
    return 1;
}

/* Windows cannot wait for an anonymous pipe: look every millisecond. */
static void wait_readable(uint32_t us)
{
    const uint64_t end_us = clock_us() + us;

    while (waiting() == 0 && (us == ED_PORT_FOREVER || clock_us() < end_us)) {
        Sleep(1);
    }
}

void ed_port_init(void)
{
    input = GetStdHandle(STD_INPUT_HANDLE);
    output = GetStdHandle(STD_OUTPUT_HANDLE);
    boot_us = clock_us();
}

size_t ed_port_read(uint8_t *to, size_t limit)
{
    DWORD count = waiting();

    if (count == 0) {
        return 0;
    }
    if (limit < count) {
        count = (DWORD)limit;
    }
    if (!ReadFile(input, to, count, &count, NULL) || count == 0) {
        exit(EXIT_SUCCESS);
    }
    return count;
}

/* WriteFile knows no text mode: CR LF arrives as CR LF. */
void ed_port_write(const uint8_t *bytes, size_t count)
{
    while (count != 0) {
        DWORD sent = 0;
        if (!WriteFile(output, bytes, (DWORD)count, &sent, NULL)) {
            exit(EXIT_SUCCESS);
        }
        bytes += sent;
        count -= sent;
    }
}

uint64_t ed_port_time_us(void)
{
    return clock_us() - boot_us;
}

void ed_port_counters(ed_port_counts *now)
{
    const ed_port_counts only_time = {{ed_port_time_us(), 0, 0, 0, 0}, 1u << ED_PORT_US};

    *now = only_time;
}

void ed_port_wait(uint32_t us)
{
    wait_readable(us);
}

void ed_port_wait_timed(uint32_t us)
{
    wait_readable(us);
}

/* Returns, and so the firmware begins again: a new process would not be the host's child. */
void ed_port_reset(void)
{
    reason = ED_PORT_RESET_COMMAND;
}

ed_port_reset_reason ed_port_boot_reason(void)
{
    return reason;
}

ed_port_stack_bounds ed_port_stack(void)
{
    const ed_port_stack_bounds unknown = {NULL, NULL};

    return unknown;
}

int main(void)
{
    ed_app_run();
    return EXIT_SUCCESS;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_port_windows_only;

#endif
