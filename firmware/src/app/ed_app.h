/* The firmware: commands in, inferences, records out. */
#ifndef ED_APP_H
#define ED_APP_H

/* Boot and serve the host for ever. For the port to call once its C environment stands; never
 * returns. */
void ed_app_run(void);

#endif
