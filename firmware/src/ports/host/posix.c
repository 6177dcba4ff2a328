/* This computer as a board: the wire on standard input and output, the clock of the system.
 * Counts no cycles, knows no stack; ends where its input does. Windows: windows.c. */
#ifndef _WIN32

/* For clock_gettime and select in <time.h> and <sys/select.h>, which C99 alone does not show. */
#define _POSIX_C_SOURCE 200809L

#include "ports/ed_port.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "app/ed_app.h"

static ed_port_reset_reason reason = ED_PORT_RESET_POWER;
static uint64_t boot_us;

static uint64_t clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Wait until a byte (or the end) is there to be read; us: at most so long, ED_PORT_FOREVER:
 * however long it takes. A signal ends it early, as the callers allow. */
static void wait_readable(uint32_t us)
{
    struct timeval limit;
    fd_set readable;

    limit.tv_sec = (time_t)(us / 1000000u);
    limit.tv_usec = (suseconds_t)(us % 1000000u);
    FD_ZERO(&readable);
    FD_SET(STDIN_FILENO, &readable);
    (void)select(STDIN_FILENO + 1, &readable, NULL, NULL, us == ED_PORT_FOREVER ? NULL : &limit);
}

void ed_port_init(void)
{
    boot_us = clock_us();
}

size_t ed_port_read(uint8_t *to, size_t limit)
{
    struct timeval now = {0, 0};
    fd_set readable;
    ssize_t count;

    FD_ZERO(&readable);
    FD_SET(STDIN_FILENO, &readable);
    if (select(STDIN_FILENO + 1, &readable, NULL, NULL, &now) <= 0) {
        return 0;
    }
    count = read(STDIN_FILENO, to, limit);
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) {
        exit(EXIT_SUCCESS); /* the host has gone */
    }
    return count < 0 ? 0 : (size_t)count;
}

void ed_port_write(const uint8_t *bytes, size_t count)
{
    while (count != 0) {
        const ssize_t sent = write(STDOUT_FILENO, bytes, count);
        if (sent >= 0) {
            bytes += sent;
            count -= (size_t)sent;
        } else if (errno == EAGAIN) {
            fd_set writable;
            FD_ZERO(&writable);
            FD_SET(STDOUT_FILENO, &writable);
            (void)select(STDOUT_FILENO + 1, NULL, &writable, NULL, NULL);
        } else if (errno != EINTR) {
            exit(EXIT_SUCCESS); /* the host has gone */
        }
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

/* Returns, and so the firmware begins again: an exec would lose bytes nobody has read yet on some
 * systems, and on others the process that the host started. */
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
    (void)signal(SIGPIPE, SIG_IGN); /* write() says so instead */
    ed_app_run();
    return EXIT_SUCCESS;
}

#else

/* ISO C wants a declaration in every file. */
typedef int ed_port_posix_only;

#endif
