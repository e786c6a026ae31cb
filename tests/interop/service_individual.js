'use strict';
// Individual enrollments, one by one: PUT, GET, DELETE and the attestation's keys, for each kind of attestation.
const assert = require('node:assert/strict');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { call, callFully, refused, run } = require('./sdk.js');
const { serviceClient } = require('./service.js');
const material = require('./material.js');

const service = serviceClient();
const put = (enrollment) => call(service, 'createOrUpdateIndividualEnrollment', enrollment);
const get = (id) => call(service, 'getIndividualEnrollment', id);
const remove = (...args) => call(service, 'deleteIndividualEnrollment', ...args);

// Created, read, replaced and deleted; each wrong ETag and each missing one is refused, and changes nothing.
const lives = async (enrollment) => {
  const id = enrollment.registrationId;
  const [made, response] = await callFully(service, 'createOrUpdateIndividualEnrollment', enrollment);
  assert.equal(response.statusCode, 200);
  assert.match(Buffer.from(made.etag, 'base64').toString(), /^".+"$/);
  assert.match(made.createdDateTimeUtc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
  assert.equal(made.registrationState, undefined);

  const read = await get(id);
  assert.equal(read.etag, made.etag);
  assert.deepEqual(read.registrationState, { registrationId: id, status: 'unassigned' });
  assert.equal((await get(id.toUpperCase())).etag, made.etag);

  await refused(put(enrollment), 409201);
  const stale = Buffer.from('"no such etag"').toString('base64');
  const mismatch = await refused(put({ ...enrollment, etag: stale }), 412001);
  assert.equal(mismatch.name, 'InvalidEtagError');
  assert.equal((await get(id)).etag, made.etag);

  const changed = await put({ ...enrollment, etag: made.etag, provisioningStatus: 'disabled' });
  assert.notEqual(changed.etag, made.etag);
  assert.equal(changed.createdDateTimeUtc, made.createdDateTimeUtc);
  assert.equal((await get(id)).provisioningStatus, 'disabled');

  await refused(remove(id, made.etag), 412001);
  await remove({ registrationId: id, etag: changed.etag });
  const missing = await refused(get(id), 404201);
  assert.equal(missing.response.statusCode, 404);
  await refused(remove(id), 404201);
  return { made, read };
};

run({
  'a TPM enrollment': async () => {
    const endorsementKey = material.endorsementKey();
    const { made, read } = await lives({ registrationId: 'tpm-1', attestation: { type: 'tpm', tpm: { endorsementKey } } });
    assert.equal(made.attestation.tpm.endorsementKey, endorsementKey);
    assert.equal(read.attestation.tpm.endorsementKey, endorsementKey);
  },

  'an X.509 enrollment': async () => {
    const [primary, secondary] = [material.leaf('x509-1'), material.leaf('x509-1')];
    const { made, read } = await lives({
      registrationId: 'x509-1',
      attestation: { type: 'x509', x509: { clientCertificates: {
        primary: { certificate: primary.cert }, secondary: { certificate: secondary.cert } } } },
    });
    for (const { attestation } of [made, read]) {
      const kept = attestation.x509.clientCertificates;
      assert.equal(kept.primary.certificate, undefined);
      assert.equal(kept.primary.info.subjectName, 'CN=x509-1');
      assert.equal(kept.primary.info.sha256Thumbprint, material.thumbprint(primary.cert));
      assert.equal(kept.secondary.info.sha256Thumbprint, material.thumbprint(secondary.cert));
    }
  },

  'a symmetric enrollment: its keys are in the first answer and in attestationmechanism only': async () => {
    const [primaryKey, secondaryKey] = [material.symmetricKey(), material.symmetricKey()];
    const enrollment = (registrationId) => ({
      registrationId, attestation: { type: 'symmetricKey', symmetricKey: { primaryKey, secondaryKey } } });
    const { made, read } = await lives(enrollment('sym-1'));
    assert.deepEqual(made.attestation.symmetricKey, { primaryKey, secondaryKey });
    assert.equal(JSON.stringify(read).includes(primaryKey.slice(0, 20)), false);

    await put(enrollment('sym-2'));
    const kept = await call(service, 'getIndividualEnrollmentAttestationMechanism', 'sym-2');
    assert.deepEqual(kept, { type: 'symmetricKey', symmetricKey: { primaryKey, secondaryKey } });
    await refused(call(service, 'getIndividualEnrollmentAttestationMechanism', 'sym-3'), 404201);
  },

  'a symmetric enrollment without keys gets two of 64 bytes': async () => {
    const made = await put({ registrationId: 'sym-made', attestation: { type: 'symmetricKey', symmetricKey: {} } });
    const { primaryKey, secondaryKey } = made.attestation.symmetricKey;
    assert.equal(Buffer.from(primaryKey, 'base64').length, 64);
    assert.equal(Buffer.from(secondaryKey, 'base64').length, 64);
    assert.notEqual(primaryKey, secondaryKey);
  },

  'every optional member comes back as it was sent': async () => {
    const sent = {
      registrationId: 'Line-1:unit.7_a',
      deviceId: 'sensor-0007',
      attestation: { type: 'tpm', tpm: { endorsementKey: material.endorsementKey() } },
      capabilities: { iotEdge: true },
      initialTwin: { tags: { line: 'L1', order: { number: 17 } }, properties: { desired: { interval: 30 } } },
      provisioningStatus: 'enabled',
      allocationPolicy: 'static',
      iotHubs: ['hub1.azure-devices.net'],
      reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: false },
    };
    await put(sent);
    const { etag, createdDateTimeUtc, lastUpdatedDateTimeUtc, registrationState, ...read } = await get(sent.registrationId);
    assert.deepEqual({ ...read, attestation: sent.attestation }, sent);
  },

  'what the rules forbid is refused': async () => {
    const attestation = { type: 'tpm', tpm: { endorsementKey: material.endorsementKey() } };
    await refused(put({ registrationId: 'hubs-alone', attestation, iotHubs: ['hub1.azure-devices.net'] }), 400004);
    await refused(put({ registrationId: 'space in it', attestation }), 400004);
    await refused(put({ registrationId: 'x'.repeat(129), attestation }), 400004);
    await refused(put({ registrationId: 'short-ek',
      attestation: { type: 'tpm', tpm: { endorsementKey: Buffer.from('no key').toString('base64') } } }), 400004);
    await refused(put({ registrationId: 'no-certificate', attestation: { type: 'x509',
      x509: { clientCertificates: { primary: { certificate: 'not one' } } } } }), 400004);
    await put({ registrationId: 'x'.repeat(128), attestation });
  },

  'a server whose certificate names another host is not trusted': async () => {
    const elsewhere = ProvisioningServiceClient.fromConnectionString(
      `HostName=elsewhere.azure-devices-provisioning.net;SharedAccessKeyName=any;SharedAccessKey=${material.symmetricKey()}`);
    await assert.rejects(call(elsewhere, 'getIndividualEnrollment', 'sym-2'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  },

  'a login with another key is refused': async () => {
    const error = await refused(call(serviceClient(material.symmetricKey()), 'getIndividualEnrollment', 'sym-2'), 401002);
    assert.equal(error.name, 'UnauthorizedError');
  },
});
