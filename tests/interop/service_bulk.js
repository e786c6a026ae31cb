'use strict';
// The bulk operation in its four modes. It answers 200 whatever happens; each item is judged by itself.
const assert = require('node:assert/strict');
const { call, callFully, refused, run } = require('./sdk.js');
const { serviceClient } = require('./service.js');
const material = require('./material.js');

const service = serviceClient();
const endorsementKey = material.endorsementKey();
const item = (registrationId, more = {}) => ({ registrationId, attestation: { type: 'tpm', tpm: { endorsementKey } }, ...more });
const get = (id) => call(service, 'getIndividualEnrollment', id);
const bulk = async (mode, ...enrollments) => {
  const [result, response] = await callFully(service, 'runBulkEnrollmentOperation', { mode, enrollments });
  assert.equal(response.statusCode, 200);
  return result;
};
const errors = (result) => {
  assert.equal(result.isSuccessful, result.errors.length === 0);
  return result.errors.map(({ registrationId, errorCode }) => `${registrationId} ${errorCode}`);
};

run({
  'create, and a mix of new ones and one that is there': async () => {
    assert.deepEqual(await bulk('create', item('a'), item('b'), item('c')), { isSuccessful: true, errors: [] });
    const mixed = await bulk('create', item('d'), item('b'), item('e'));
    assert.deepEqual(errors(mixed), ['b 409201']);
    assert.equal(mixed.errors[0].errorStatus, 'Enrollment already exists.');
    for (const id of ['a', 'b', 'c', 'd', 'e']) assert.equal((await get(id)).registrationId, id);
  },

  'update wants the ETag of what is there': async () => {
    const { etag } = await get('a');
    assert.deepEqual(errors(await bulk('update', item('a', { etag, provisioningStatus: 'disabled' }), item('b'))), ['b 409201']);
    assert.equal((await get('a')).provisioningStatus, 'disabled');
  },

  'updateIfMatchETag: a match, and a mismatch beside it': async () => {
    const [a, b] = [await get('a'), await get('b')];
    assert.deepEqual(errors(await bulk('updateIfMatchETag', item('a', { etag: b.etag, deviceId: 'no' }),
      item('b', { etag: b.etag, deviceId: 'yes' }))), ['a 412001']);
    assert.equal((await get('a')).deviceId, undefined);
    assert.equal((await get('b')).deviceId, 'yes');
  },

  'delete, and one that is not there': async () => {
    assert.deepEqual(errors(await bulk('delete', { registrationId: 'a' }, { registrationId: 'nobody' }, { registrationId: 'b' })),
      ['nobody 404201']);
    await refused(get('a'), 404201);
    await refused(get('b'), 404201);
    await get('c');
  },

  'ten items pass, eleven are refused as a whole': async () => {
    const many = Array.from({ length: 11 }, (_, i) => item(`many-${i}`));
    await refused(bulk('create', ...many), 400004);
    await refused(get('many-0'), 404201);
    assert.deepEqual(errors(await bulk('create', ...many.slice(1))), []);
  },

  'every kind of attestation in one call': async () => {
    const { cert } = material.leaf('kind-x509');
    assert.deepEqual(errors(await bulk('create', item('kind-tpm'),
      { registrationId: 'kind-x509', attestation: { type: 'x509', x509: { clientCertificates: { primary: { certificate: cert } } } } },
      { registrationId: 'kind-sym', attestation: { type: 'symmetricKey', symmetricKey: {
        primaryKey: material.symmetricKey(), secondaryKey: material.symmetricKey() } } })), []);
    assert.equal((await get('kind-x509')).attestation.x509.clientCertificates.primary.info.sha256Thumbprint, material.thumbprint(cert));
  },
});
