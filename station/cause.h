/*
 * The cause of a failure without its place: an error text begins with "unit SERIAL, step STEP: ",
 * which stands beside it wherever a screen shows it.
 */
#ifndef STATION_CAUSE_H
#define STATION_CAUSE_H

/* The part of text after the place; text itself if it does not begin with one. Borrows. */
const char *cause_without_place(const char *text);

#endif
