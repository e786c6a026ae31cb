/* What stands around every screen: header, footer, and the dialog over it. For ui.c alone. */
#ifndef STATION_SCREENS_FRAME_H
#define STATION_SCREENS_FRAME_H

#include "station/screens/ui.h"

#define FRAME_HEADER_ROWS 1
#define FRAME_FOOTER_ROWS 2

void frame_draw_header(const struct ui *ui, struct canvas *canvas);
void frame_draw_footer(const struct ui *ui, struct canvas *canvas);
/* Nothing when nothing is asked. */
void dialog_draw(const struct ui *ui, struct canvas *canvas);
/* True if a dialog is open: it takes every key. PIN digits never come here. */
bool dialog_key(struct ui *ui, uint32_t key);

#endif
