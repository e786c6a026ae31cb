/*
 * Where the tiles of the line stand: a grid in reading order in which every
 * slot is always seen. Tiles are framed when there is room for it, else compact,
 * with a message below them for the sentence that no compact tile can hold.
 */
#ifndef STATION_SCREENS_LAYOUT_H
#define STATION_SCREENS_LAYOUT_H

#include "station/screens/canvas.h"

#define LAYOUT_TILE_COLS   20 /* no tile is narrower */
#define LAYOUT_FRAMED_ROWS 5
#define LAYOUT_BIG_ROWS    7 /* a frame around big letters */
#define LAYOUT_BIG_COLS    21

struct layout {
	struct area area;
	size_t n;
	int grid_rows, grid_cols;
	bool framed;
	int tile_rows;       /* of a compact tile; framed ones share the area */
	struct area message; /* rows is 0 when tiles are framed */
};

/* False if n tiles can't be shown in so little room. */
MUST_USE bool layout_init(struct layout *layout, const struct area *area, size_t n);
struct area layout_tile(const struct layout *layout, size_t i);
/* The tile where an arrow (INPUT_UP …), Home or End leads to from here. */
size_t layout_move(const struct layout *layout, size_t from, uint32_t key);

#endif
