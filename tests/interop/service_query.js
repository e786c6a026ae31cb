'use strict';
// Queries and their pages, of individual enrollments and of groups.
const assert = require('node:assert/strict');
const { call, callFully, run } = require('./sdk.js');
const { pages, serviceClient } = require('./service.js');
const material = require('./material.js');

const service = serviceClient();
const all = { query: 'SELECT * FROM enrollments' };
const ids = (list) => list.map(({ registrationId }) => registrationId).sort();

run({
  'nothing there is an empty page': async () => {
    assert.deepEqual(await pages(service.createIndividualEnrollmentQuery(all)), [[]]);
    assert.deepEqual(await pages(service.createEnrollmentGroupQuery({ query: 'SELECT * FROM enrollmentGroups' })), [[]]);
  },

  'twenty-five enrollments in pages of ten: each of them once': async () => {
    const endorsementKey = material.endorsementKey();
    const wanted = Array.from({ length: 25 }, (_, i) => `unit-${i}`);
    for (const part of [wanted.slice(0, 10), wanted.slice(10, 20), wanted.slice(20)])
      await call(service, 'runBulkEnrollmentOperation', { mode: 'create',
        enrollments: part.map((registrationId) => ({ registrationId, attestation: { type: 'tpm', tpm: { endorsementKey } } })) });
    const found = await pages(service.createIndividualEnrollmentQuery(all, 10));
    assert.deepEqual(found.map((page) => page.length), [10, 10, 5]);
    assert.deepEqual(ids(found.flat()), wanted.sort());
    assert.deepEqual(ids((await pages(service.createIndividualEnrollmentQuery({ query: 'select *' }))).flat()), wanted);
  },

  'a page that a token names can be asked for again': async () => {
    const query = service.createIndividualEnrollmentQuery(all, 10);
    const [, response] = await callFully(query, 'next');
    assert.equal(response.headers['x-ms-item-type'], 'Enrollment');
    const token = response.headers['x-ms-continuation'];
    const second = await call(query, 'next', token);
    assert.deepEqual(ids(await call(service.createIndividualEnrollmentQuery(all, 10), 'next', token)), ids(second));
  },

  'no symmetric key is in a page': async () => {
    const primaryKey = material.symmetricKey();
    await call(service, 'createOrUpdateIndividualEnrollment', { registrationId: 'sym', attestation: { type: 'symmetricKey',
      symmetricKey: { primaryKey, secondaryKey: material.symmetricKey() } } });
    const found = (await pages(service.createIndividualEnrollmentQuery(all))).flat();
    assert.equal(found.filter(({ registrationId }) => registrationId === 'sym').length, 1);
    assert.equal(JSON.stringify(found).includes(primaryKey.slice(0, 20)), false);
  },

  'groups in pages': async () => {
    const certificate = material.ca('interop group').cert;
    for (const enrollmentGroupId of ['g1', 'g2', 'g3'])
      await call(service, 'createOrUpdateEnrollmentGroup', { enrollmentGroupId,
        attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate } } } } });
    const query = service.createEnrollmentGroupQuery({ query: 'SELECT * FROM enrollmentGroups' }, 2);
    const [first, response] = await callFully(query, 'next');
    assert.equal(response.headers['x-ms-item-type'], 'EnrollmentGroup');
    const rest = await pages(query);
    assert.deepEqual([first, ...rest].flat().map((group) => group.enrollmentGroupId).sort(), ['g1', 'g2', 'g3']);
  },
});
