/* The compiler's own names, declared; a build for this computer gives them others. */
#ifndef ED_ROM_H
#define ED_ROM_H

#include <stddef.h>
#include <stdint.h>

uint64_t __muldi3(uint64_t a, uint64_t b);
uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
int32_t __divsi3(int32_t dividend, int32_t divisor);
float __mulsf3(float a, float b);
float __addsf3(float a, float b);
float __subsf3(float a, float b);
float __floatunsisf(uint32_t value);
float __floatsisf(int32_t value);
uint32_t __fixunssfsi(float value);
void *memcpy(void *to, const void *from, size_t count);

#endif
