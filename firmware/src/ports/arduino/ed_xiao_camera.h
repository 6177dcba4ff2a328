/* The camera of the XIAO ESP32S3 Sense: an OV2640 or OV3660. */
#ifndef ED_XIAO_CAMERA_H
#define ED_XIAO_CAMERA_H

/* Whether one answers. Leaves it switched off. */
bool ed_xiao_camera_found(void);

#endif
