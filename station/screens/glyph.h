/*
 * Glyphs: what one character of a text becomes in cells. Private to the canvas
 * (canvas.c, draw.c, big.c); screens draw texts, not glyphs.
 */
#ifndef STATION_SCREENS_GLYPH_H
#define STATION_SCREENS_GLYPH_H

#include "station/screens/canvas.h"

struct glyph {
	uint32_t ch[4]; /* one, or the letters of a plain form */
	int n;
	int cols; /* 0: nothing to draw, as a combining mark */
};

/*
 * Takes the next character of UTF-8 text; false at its end. Bytes that are no UTF-8, control
 * characters, and marks that would turn or hide text, are '?'.
 */
bool glyph_take(const char **text, struct glyph *ret_glyph);
/* In ASCII: a base letter, the plain form of a drawn character, or '?'. */
void glyph_plain(struct glyph *glyph);
/* glyph_take, in what the canvas can show. */
bool glyph_take_for(const struct canvas *canvas, const char **text, struct glyph *ret_glyph);

/* Draws ch there if it fits into the canvas whole; of a wide character that it hits nothing stays. */
void canvas_put(struct canvas *canvas, int row, int col, enum ink ink, const struct glyph *glyph);
/* A drawn character (a block, a line), in its plain form if need be; its first letter only. */
void canvas_put_drawn(struct canvas *canvas, int row, int col, enum ink ink, uint32_t ch);
/* The part of a row's columns, and of an area, that is on the canvas; false if none is. */
bool canvas_clip_row(const struct canvas *canvas, int row, int *col, int *cols);
bool canvas_clip(const struct canvas *canvas, struct area *area);

#endif
