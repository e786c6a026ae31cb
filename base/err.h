/*
 * The one error model: the class says what the station does, the text says what
 * happened and where. A caller owns one struct err and passes it last; it is
 * written if and only if the call fails. Nothing here allocates.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/cleanup.h"

enum err_class {
	ERR_NONE = 0,
	ERR_RETRY,    /* the link hiccuped; the same step may run again             */
	ERR_UNIT,     /* this unit is bad or refused; bin it, the line goes on      */
	ERR_OPERATOR, /* a person must act: reseat, insert token, enter PIN, config */
	ERR_STATION,  /* stop every fixture: audit, HSM or disk can't be trusted    */
	ERR_BUG,      /* an invariant broke; stop and keep the evidence             */
};

struct err {
	enum err_class class;
	long code;       /* CKR_*, TSS2_RC, errno, ...: for the log           */
	char what[200];  /* root cause; written once by err_set               */
	char where[160]; /* path to it, outermost first, by err_wrap          */
};

/* Records the root cause. Control characters in the text become '?'. Returns -1. */
int err_set(struct err *err, enum err_class class, long code, const char *fmt, ...) PRINTF(4, 5);

/* Puts one more step of the path in front. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* The caller knows more: raises the class, never lowers it. Returns -1. */
int err_raise(struct err *err, enum err_class class);

void err_clear(struct err *err);

/* "retry", "unit", "operator", "station", "bug": stored data, never renamed. */
const char *err_class_name(enum err_class class);

/* Writes "where: what" (or "what" alone) into out; returns out. */
const char *err_text(const struct err *err, char *out, size_t cap);

/* An invariant of ours: stays on in release, aborts with the expression. */
#define base_assert(expr) ((expr) ? (void)0 : base_assert_failed(#expr, __FILE__, __LINE__))
_Noreturn void base_assert_failed(const char *expr, const char *file, int line);

#endif
