/* One tile of the line screen. Private to line.c. */
#ifndef STATION_SCREENS_TILE_H
#define STATION_SCREENS_TILE_H

#include "station/screens/ui.h"

/* Of the tile that the arrows are on: its head has a mark. */
enum tile_mark {
	TILE_UNMARKED,
	TILE_MARKED,
};

/* With a frame; big letters where they fit. */
void tile_draw_framed(const struct ui *ui, struct canvas *canvas, const struct area *area,
		      const struct tile *tile, enum tile_mark mark);
/* Two rows and up, no frame; the last column stays free between neighbours. */
void tile_draw_compact(const struct ui *ui, struct canvas *canvas, const struct area *area,
		       const struct tile *tile, enum tile_mark mark);

#endif
