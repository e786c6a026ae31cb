/* Tests station/screens/layout.c: every number of slots on every screen, and where the arrows lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "station/screens/input.h"
#include "station/screens/layout.h"

#define SLOTS_MAX 32

static bool inside(const struct area *in, const struct area *out)
{
	return in->row >= out->row && in->col >= out->col && in->row + in->rows <= out->row + out->rows &&
	       in->col + in->cols <= out->col + out->cols;
}

static bool overlap(const struct area *a, const struct area *b)
{
	return a->row < b->row + b->rows && b->row < a->row + a->rows && a->col < b->col + b->cols &&
	       b->col < a->col + a->cols;
}

static void assert_reads_on(const struct area *before, const struct area *tile)
{
	assert_true(tile->row > before->row || (tile->row == before->row && tile->col > before->col));
}

static void assert_grid(const struct area *area, size_t n)
{
	struct area tiles[SLOTS_MAX];
	struct layout layout;

	assert_true(layout_init(&layout, area, n));
	for (size_t i = 0; i < n; i++) {
		tiles[i] = layout_tile(&layout, i);
		assert_true(inside(&tiles[i], area));
		assert_false(overlap(&tiles[i], &layout.message));
		assert_true(tiles[i].cols >= LAYOUT_TILE_COLS);
		assert_true(tiles[i].rows >= (layout.framed ? LAYOUT_FRAMED_ROWS : 2));
		for (size_t k = 0; k < i; k++)
			assert_false(overlap(&tiles[i], &tiles[k]));
		if (i > 0)
			assert_reads_on(&tiles[i - 1], &tiles[i]);
	}
	assert_true(layout.framed ? layout.message.rows == 0 : layout.message.rows >= 1);
	assert_true(layout.framed || inside(&layout.message, area));
}

static void test_layout_every_slot_has_its_place(void **state)
{
	static const struct area areas[] = {
		{ 1, 0, 21, 80 }, { 1, 0, 47, 80 }, { 1, 0, 40, 132 }, { 1, 0, 57, 200 }, { 1, 0, 117, 400 },
	};

	(void)state;
	for (size_t a = 0; a < ARRAY_LEN(areas); a++)
		for (size_t n = 1; n <= SLOTS_MAX; n++)
			assert_grid(&areas[a], n);
}

static void assert_form(int rows, int cols, size_t n, int grid_rows, int grid_cols, bool framed)
{
	const struct area area = { 1, 0, rows, cols };
	struct layout layout;

	assert_true(layout_init(&layout, &area, n));
	assert_int_equal(layout.grid_rows, grid_rows);
	assert_int_equal(layout.grid_cols, grid_cols);
	assert_int_equal(layout.framed, framed);
}

static void test_layout_tiles_are_as_large_as_they_can_be(void **state)
{
	(void)state;
	assert_form(21, 80, 1, 1, 1, true);
	assert_form(21, 80, 4, 2, 2, true);
	assert_form(21, 80, 8, 3, 3, true);
	assert_form(21, 80, 16, 4, 4, true);
	assert_form(21, 80, 32, 8, 4, false);
	assert_form(57, 200, 32, 6, 6, true);
}

static void test_layout_too_little_room_is_said(void **state)
{
	const struct area low = { 1, 0, 9, 40 }, narrow = { 1, 0, 21, 19 }, none = { 0, 0, 0, 0 };
	struct layout layout;

	(void)state;
	assert_false(layout_init(&layout, &low, 9));
	assert_true(layout_init(&layout, &low, 8));
	assert_false(layout_init(&layout, &narrow, 1));
	assert_false(layout_init(&layout, &none, 1));
	assert_false(layout_init(&layout, &low, 0));
}

static void test_layout_arrows_lead_to_the_neighbour(void **state)
{
	const struct area area = { 1, 0, 21, 80 };
	struct layout layout;

	(void)state;
	assert_true(layout_init(&layout, &area, 8)); /* 0 1 2 / 3 4 5 / 6 7 */
	assert_int_equal(layout_move(&layout, 0, INPUT_RIGHT), 1);
	assert_int_equal(layout_move(&layout, 2, INPUT_RIGHT), 3);
	assert_int_equal(layout_move(&layout, 7, INPUT_RIGHT), 7);
	assert_int_equal(layout_move(&layout, 0, INPUT_LEFT), 0);
	assert_int_equal(layout_move(&layout, 4, INPUT_UP), 1);
	assert_int_equal(layout_move(&layout, 1, INPUT_UP), 1);
	assert_int_equal(layout_move(&layout, 4, INPUT_DOWN), 7);
	assert_int_equal(layout_move(&layout, 5, INPUT_DOWN), 7); /* below it is nobody */
	assert_int_equal(layout_move(&layout, 6, INPUT_DOWN), 6);
	assert_int_equal(layout_move(&layout, 4, INPUT_HOME), 0);
	assert_int_equal(layout_move(&layout, 4, INPUT_END), 7);
	assert_int_equal(layout_move(&layout, 4, 'q'), 4);
	assert_int_equal(layout_move(&layout, 99, INPUT_DOWN), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_every_slot_has_its_place),
		cmocka_unit_test(test_layout_tiles_are_as_large_as_they_can_be),
		cmocka_unit_test(test_layout_too_little_room_is_said),
		cmocka_unit_test(test_layout_arrows_lead_to_the_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
