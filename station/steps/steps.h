/*
 * The steps of the pipelines (station/job.c). Each file opens with what its
 * steps need and give; a step holds no state of its own and never loops over
 * retries: that is the worker's.
 */
#ifndef STATION_STEPS_STEPS_H
#define STATION_STEPS_STEPS_H

#include "station/job.h"

/* identify.c */
int identify_unit(struct job *job, struct err *err);
/* attest.c */
int attest_tpm(struct job *job, struct err *err);
/* own.c */
int own_tpm(struct job *job, struct err *err);
/* key.c */
int key_from_device(struct job *job, struct err *err);
int key_from_station(struct job *job, struct err *err);
int probe_key(struct job *job, bool *ret_done, struct err *err);
/* derive.c */
int derive_key(struct job *job, struct err *err);
int record_derivation(struct job *job, struct db_tx *tx, struct err *err);
/* issue.c */
int reserve_serial(struct job *job, struct db_tx *tx, struct err *err);
int issue_certificate(struct job *job, struct err *err);
int probe_issued(struct job *job, bool *ret_done, struct err *err);
int record_certificate(struct job *job, struct db_tx *tx, struct err *err);
/* inject.c */
int inject_bundle(struct job *job, struct err *err);
int probe_injected(struct job *job, bool *ret_done, struct err *err);
/* verify.c */
int verify_tpm(struct job *job, struct err *err);
int verify_x509(struct job *job, struct err *err);
int verify_symmetric(struct job *job, struct err *err);
/* record.c */
int record_unit(struct job *job, struct err *err);

/* Shared by steps. The unit's TPM, opened once per fixture (attest.c). */
MUST_USE int job_open_tpm(struct job *job, struct err *err);
/*
 * The EK that a unit was begun with is its identity: another one, or another form of
 * its public area, is ERR_UNIT (attest.c).
 */
MUST_USE int job_remember_ek(struct job *job, const struct pki_ek *ek, struct err *err);
/* Reads back and compares what inject put; *ret_same false if anything differs (inject.c). */
MUST_USE int bundle_read_back(struct job *job, bool *ret_same, struct err *err);
/*
 * The unit holds the private key of csr: it signs a fresh nonce or, without UNIT_CAP_PROVE, keeps
 * what the station put (verify.c). ERR_UNIT if it does not.
 */
MUST_USE int check_key(struct job *job, const struct pki_csr *csr, struct err *err);
/* The same with its symmetric key. */
MUST_USE int check_symkey(struct job *job, struct err *err);

#endif
