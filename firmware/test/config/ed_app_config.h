/* A board and lab for tests, as the build would write them. */
#ifndef ED_APP_CONFIG_H
#define ED_APP_CONFIG_H

#define ED_APP_BOARD "nano33"
#ifdef __arm__
#define ED_APP_VARIANT "virtual"
#define ED_APP_PORT "virtual_m4"
#else
#define ED_APP_VARIANT "local"
#define ED_APP_PORT "host"
#endif
#define ED_APP_FIRMWARE "0.1.0"
#define ED_APP_CLOCK_HZ 64000000u
#define ED_APP_SUPPLY_MV 3300u
#define ED_APP_LABELS 2
#define ED_APP_LABEL_TEXTS {"yes", "not=20=25"}
#ifndef FAKE_SOURCE
#define FAKE_SOURCE ED_SOURCE_RAMP
#endif
#define ED_APP_SOURCE FAKE_SOURCE
#define ED_APP_RAMP_FROM -0x1p+2f
#define ED_APP_RAMP_TO 0x1p+2f
#define ED_APP_RAMP_STEPS 16u
#define ED_APP_RAMP_PERIOD_US 20000u

#endif
