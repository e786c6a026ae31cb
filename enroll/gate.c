/*
 * The pace that all connections keep together: one bucket, one pause and one
 * circuit breaker, under one lock. Looking and taking are one step, so that
 * threads which race never overdraw the budget.
 *
 * An era begins with each failure. Calls that were under way then say nothing
 * new: their failure is the same one, and their success proves no recovery.
 */
#include "enroll/enroll_internal.h"

#include <pthread.h>
#include <stdlib.h>

#define BREAKER_FAILURES 3   /* in a row, each begun after the one before: then one call probes */
#define PROBE_LOOK_MS    250 /* how often the others look what became of it                     */

struct enroll_gate {
	pthread_mutex_t lock;
	struct pace pace;
	uint64_t era;
	bool probing;
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

/* Under the lock. */
static int64_t look(struct enroll_gate *gate, int64_t now_ms)
{
	int64_t wait = pace_wait_ms(&gate->pace, now_ms);

	return gate->probing && wait < PROBE_LOOK_MS ? PROBE_LOOK_MS : wait;
}

int64_t gate_wait_ms(struct enroll_gate *gate, int64_t now_ms)
{
	int64_t wait;

	(void)pthread_mutex_lock(&gate->lock);
	wait = look(gate, now_ms);
	(void)pthread_mutex_unlock(&gate->lock);
	return wait;
}

int64_t gate_take(struct enroll_gate *gate, int64_t now_ms, struct leave *ret_leave)
{
	int64_t wait;

	(void)pthread_mutex_lock(&gate->lock);
	wait = look(gate, now_ms);
	if (wait == 0) {
		pace_take(&gate->pace, now_ms);
		gate->probing = gate->pace.failures >= BREAKER_FAILURES;
		*ret_leave = (struct leave){ true, gate->probing, gate->era };
	}
	(void)pthread_mutex_unlock(&gate->lock);
	return wait;
}

/* Under the lock; a leave ends once. */
static void end(struct enroll_gate *gate, struct leave *leave)
{
	if (leave->probe)
		gate->probing = false;
	*leave = (struct leave){ false, false, 0 };
}

void gate_give_back(struct enroll_gate *gate, struct leave *leave)
{
	if (!leave->held)
		return;
	(void)pthread_mutex_lock(&gate->lock);
	pace_give_back(&gate->pace);
	end(gate, leave);
	(void)pthread_mutex_unlock(&gate->lock);
}

void gate_succeeded(struct enroll_gate *gate, struct leave *leave)
{
	(void)pthread_mutex_lock(&gate->lock);
	if (leave->era == gate->era)
		pace_succeeded(&gate->pace);
	end(gate, leave);
	(void)pthread_mutex_unlock(&gate->lock);
}

void gate_failed(struct enroll_gate *gate, struct leave *leave, int64_t now_ms, int64_t asked_ms)
{
	uint32_t chance = service_chance();

	(void)pthread_mutex_lock(&gate->lock);
	if (leave->held && leave->era != gate->era) {
		pace_hold(&gate->pace, now_ms, asked_ms);
	} else {
		pace_failed(&gate->pace, now_ms, asked_ms, chance);
		gate->era++;
	}
	end(gate, leave);
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
