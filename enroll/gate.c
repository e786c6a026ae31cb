/* The pace that all connections keep together: one bucket and one pause, under one lock. */
#include "enroll/enroll_internal.h"

#include <pthread.h>
#include <stdlib.h>

struct enroll_gate {
	pthread_mutex_t lock;
	struct pace pace;
};

int enroll_gate_new(unsigned operations_per_minute, struct enroll_gate **ret_gate, struct err *err)
{
	struct enroll_gate *gate;

	if (operations_per_minute == 0 || operations_per_minute > 1000000)
		return err_set(err, ERR_OPERATOR, 0, "[service] operations-per-minute must be 1 to 1000000");
	gate = calloc(1, sizeof(*gate));
	if (gate == NULL || pthread_mutex_init(&gate->lock, NULL) != 0) {
		free(gate);
		return err_set(err, ERR_STATION, 0, "out of memory");
	}
	pace_init(&gate->pace, operations_per_minute, 0);
	*ret_gate = gate;
	return 0;
}

void enroll_gate_free(struct enroll_gate *gate)
{
	if (gate == NULL)
		return;
	(void)pthread_mutex_destroy(&gate->lock);
	free(gate);
}

int64_t gate_wait_ms(struct enroll_gate *gate, int64_t now_ms)
{
	int64_t wait;

	(void)pthread_mutex_lock(&gate->lock);
	wait = pace_wait_ms(&gate->pace, now_ms);
	(void)pthread_mutex_unlock(&gate->lock);
	return wait;
}

void gate_take(struct enroll_gate *gate, int64_t now_ms)
{
	(void)pthread_mutex_lock(&gate->lock);
	pace_take(&gate->pace, now_ms);
	(void)pthread_mutex_unlock(&gate->lock);
}

void gate_succeeded(struct enroll_gate *gate)
{
	(void)pthread_mutex_lock(&gate->lock);
	pace_succeeded(&gate->pace);
	(void)pthread_mutex_unlock(&gate->lock);
}

void gate_failed(struct enroll_gate *gate, int64_t now_ms, int64_t asked_ms)
{
	uint32_t chance = service_chance();

	(void)pthread_mutex_lock(&gate->lock);
	pace_failed(&gate->pace, now_ms, asked_ms, chance);
	(void)pthread_mutex_unlock(&gate->lock);
}

unsigned gate_failures(struct enroll_gate *gate)
{
	unsigned failures;

	(void)pthread_mutex_lock(&gate->lock);
	failures = gate->pace.failures;
	(void)pthread_mutex_unlock(&gate->lock);
	return failures;
}
