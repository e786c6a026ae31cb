/*
 * What SQLite does for the statements of the doors: their steps are counted in
 * the virtual machine's own instructions, so a test can say that a load over a
 * full table costs what it costs over an empty one without measuring time.
 */
#ifndef TESTS_UNIT_STATION_WATCH_H
#define TESTS_UNIT_STATION_WATCH_H

/* Watches every connection that is opened from here on. */
void watch_start(void);
void watch_stop(void);
/* Forgets what was counted. */
void watch_reset(void);
/* Instructions since the reset; those of statements that ended. */
long watch_steps(void);
/* Rows that were stepped over without an index's help. */
long watch_scans(void);

#endif
