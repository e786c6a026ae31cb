/*
 * Records in memory: a hash map by lower-cased id for single calls, and an array
 * in order of creation for queries. A record is kept as text, which is a quarter
 * of the size of its parsed form; 100,000 of them are normal.
 */
#include "enroll/emulator/dps_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64

struct table {
	struct dps_record **buckets; /* a power of two of them */
	size_t buckets_n;
	struct dps_record **order; /* by seq */
	size_t order_n, order_cap;
	int64_t next_seq;
};

struct dps_store {
	struct table tables[DPS_TABLES];
	struct dps_journal *journal; /* NULL: in memory only */
};

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, ENOMEM, "no memory for a record");
}

static int lower_id(const char *id, char out[DPS_ID_MAX + 1])
{
	if (bytes_to_str(bytes_str(id), out, DPS_ID_MAX + 1) < 0)
		return -1;
	for (char *c = out; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

/* FNV-1a: ids come from one client that means well. */
static size_t bucket_of(const struct table *table, const char *id)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *id != '\0'; id++)
		hash = (hash ^ (uint8_t)*id) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 32) & (table->buckets_n - 1);
}

static struct dps_record **find_slot(const struct table *table, const char *id)
{
	struct dps_record **slot = &table->buckets[bucket_of(table, id)];

	while (*slot != NULL && strcmp((*slot)->id, id) != 0)
		slot = &(*slot)->next;
	return slot;
}

static int grow_buckets(struct table *table)
{
	struct table bigger = { .buckets_n = table->buckets_n * 2 };

	bigger.buckets = calloc(bigger.buckets_n, sizeof(struct dps_record *));
	if (bigger.buckets == NULL)
		return -1;
	for (size_t i = 0; i < table->order_n; i++) {
		struct dps_record *record = table->order[i];
		size_t b = bucket_of(&bigger, record->id);

		record->next = bigger.buckets[b];
		bigger.buckets[b] = record;
	}
	free(table->buckets);
	table->buckets = bigger.buckets;
	table->buckets_n = bigger.buckets_n;
	return 0;
}

static int grow_order(struct table *table)
{
	size_t cap = table->order_cap == 0 ? FIRST_BUCKETS : table->order_cap * 2;
	struct dps_record **order = reallocarray(table->order, cap, sizeof(struct dps_record *));

	if (order == NULL)
		return -1;
	table->order = order;
	table->order_cap = cap;
	return 0;
}

/* The first index whose seq is greater. */
static size_t index_after(const struct table *table, int64_t seq)
{
	size_t low = 0, high = table->order_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->order[middle]->seq > seq)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static struct dps_record *record_new(struct table *table, const char *id)
{
	struct dps_record *record;

	if (table->order_n == table->order_cap && grow_order(table) < 0)
		return NULL;
	if (table->order_n >= table->buckets_n && grow_buckets(table) < 0)
		return NULL;
	record = calloc(1, sizeof(*record));
	if (record == NULL)
		return NULL;
	(void)!bytes_to_str(bytes_str(id), record->id, sizeof(record->id));
	record->seq = ++table->next_seq;
	*find_slot(table, id) = record;
	table->order[table->order_n++] = record;
	return record;
}

static int map_put(struct table *table, const char *id, const json_t *doc, struct err *err)
{
	const char *etag = json_string_value(json_object_get(doc, "etag"));
	struct dps_record *record = *find_slot(table, id);
	char *text;

	if (etag == NULL || strlen(etag) >= DPS_ETAG_MAX)
		return err_set(err, ERR_STATION, 0, "record %s has no etag", id);
	text = json_dumps(doc, JSON_COMPACT);
	if (text == NULL)
		return no_memory(err);
	if (record == NULL)
		record = record_new(table, id);
	if (record == NULL) {
		free(text);
		return no_memory(err);
	}
	(void)!bytes_to_str(bytes_str(etag), record->etag, sizeof(record->etag));
	free(record->text);
	record->text = text;
	return 0;
}

static void map_delete(struct table *table, const char *id)
{
	struct dps_record **slot = find_slot(table, id), *record = *slot;
	size_t i;

	if (record == NULL)
		return;
	i = index_after(table, record->seq - 1);
	memmove(&table->order[i], &table->order[i + 1],
		(table->order_n - i - 1) * sizeof(struct dps_record *));
	table->order_n--;
	*slot = record->next;
	free(record->text);
	free(record);
}

static int replay_change(void *arg, enum dps_table table, const char *id, const json_t *doc, struct err *err)
{
	struct dps_store *store = arg;
	char lower[DPS_ID_MAX + 1];

	if (lower_id(id, lower) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the id is too long");
	if (doc != NULL)
		return map_put(&store->tables[table], lower, doc, err);
	map_delete(&store->tables[table], lower);
	return 0;
}

static int make_tables(struct dps_store *store)
{
	for (size_t i = 0; i < DPS_TABLES; i++) {
		store->tables[i].buckets_n = FIRST_BUCKETS;
		store->tables[i].buckets = calloc(FIRST_BUCKETS, sizeof(struct dps_record *));
		if (store->tables[i].buckets == NULL)
			return -1;
	}
	return 0;
}

int dps_store_open(const char *path, struct dps_store **ret_store, struct err *err)
{
	CLEANUP(dps_store_closep) struct dps_store *store = calloc(1, sizeof(*store));

	if (store == NULL || make_tables(store) < 0)
		return no_memory(err);
	if (path != NULL && dps_journal_open(path, replay_change, store, &store->journal, err) < 0)
		return -1;
	*ret_store = store;
	store = NULL;
	return 0;
}

void dps_store_close(struct dps_store *store)
{
	if (store == NULL)
		return;
	dps_journal_close(store->journal);
	for (size_t i = 0; i < DPS_TABLES; i++) {
		struct table *table = &store->tables[i];

		for (size_t r = 0; r < table->order_n; r++) {
			free(table->order[r]->text);
			free(table->order[r]);
		}
		free(table->order);
		free(table->buckets);
	}
	free(store);
}

const struct dps_record *dps_store_find(const struct dps_store *store, enum dps_table table, const char *id)
{
	char lower[DPS_ID_MAX + 1];

	return lower_id(id, lower) < 0 ? NULL : *find_slot(&store->tables[table], lower);
}

const struct dps_record *dps_store_after(const struct dps_store *store, enum dps_table table, int64_t seq)
{
	const struct table *t = &store->tables[table];
	size_t i = index_after(t, seq);

	return i < t->order_n ? t->order[i] : NULL;
}

size_t dps_store_count(const struct dps_store *store, enum dps_table table)
{
	return store->tables[table].order_n;
}

int dps_store_put(struct dps_store *store, enum dps_table table, const char *id, const json_t *doc,
		  struct err *err)
{
	char lower[DPS_ID_MAX + 1];

	if (lower_id(id, lower) < 0)
		return err_set(err, ERR_STATION, 0, "the id is too long");
	if (store->journal != NULL && dps_journal_add(store->journal, table, lower, doc, err) < 0)
		return -1;
	return map_put(&store->tables[table], lower, doc, err);
}

int dps_store_delete(struct dps_store *store, enum dps_table table, const char *id, struct err *err)
{
	char lower[DPS_ID_MAX + 1];

	if (lower_id(id, lower) < 0)
		return 0;
	if (store->journal != NULL && dps_journal_add(store->journal, table, lower, NULL, err) < 0)
		return -1;
	map_delete(&store->tables[table], lower);
	return 0;
}

int dps_store_sync(struct dps_store *store, struct err *err)
{
	return store->journal != NULL ? dps_journal_sync(store->journal, err) : 0;
}
