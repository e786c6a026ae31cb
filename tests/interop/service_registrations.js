'use strict';
// What the service tells of registered devices, and how that is forgotten.
const assert = require('node:assert/strict');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { call, callFully, refused, register, run } = require('./sdk.js');
const { device, pages, serviceClient } = require('./service.js');
const material = require('./material.js');

const service = serviceClient();
const keys = { primaryKey: material.symmetricKey(), secondaryKey: material.symmetricKey() };
const attestation = { type: 'symmetricKey', symmetricKey: keys };
const state = (id) => call(service, 'getDeviceRegistrationState', id);
const forget = (...args) => call(service, 'deleteDeviceRegistrationState', ...args);
const registers = (id, key) => register('http', new SymmetricKeySecurityClient(id, key), device);

run({
  'an individual enrollment shows the state of its device': async () => {
    await call(service, 'createOrUpdateIndividualEnrollment', { registrationId: 'one', deviceId: 'the-one', attestation });
    const registered = await registers('one', keys.primaryKey);
    const { registrationState } = await call(service, 'getIndividualEnrollment', 'one');
    for (const seen of [registrationState, await state('one')]) {
      assert.equal(seen.status, 'assigned');
      assert.equal(seen.deviceId, 'the-one');
      assert.equal(seen.assignedHub, registered.assignedHub);
    }
  },

  'a state is deleted by its ETag': async () => {
    await refused(forget('one', Buffer.from('"no such etag"').toString('base64')), 412001);
    const { etag } = await state('one');
    await forget({ registrationId: 'one', etag });
    await refused(state('one'), 404201);
    assert.equal((await call(service, 'getIndividualEnrollment', 'one')).registrationState.status, 'unassigned');
  },

  'a group tells its devices, in pages': async () => {
    await call(service, 'createOrUpdateEnrollmentGroup', { enrollmentGroupId: 'meters', attestation });
    const ids = ['m1', 'm2', 'm3'];
    await Promise.all(ids.map((id) => registers(id, material.derivedKey(keys.primaryKey, id))));
    const all = { query: 'SELECT * FROM registrations' };
    const query = service.createEnrollmentGroupDeviceRegistrationStateQuery(all, 'meters', 2);
    const [first, response] = await callFully(query, 'next');
    assert.equal(response.headers['x-ms-item-type'], 'DeviceRegistration');
    assert.equal(first.length, 2);
    const found = [first, ...await pages(query)].flat();
    assert.deepEqual(found.map(({ registrationId }) => registrationId).sort(), ids);
    assert.ok(found.every(({ status }) => status === 'assigned'));
    await forget('m2');
    assert.equal((await pages(service.createEnrollmentGroupDeviceRegistrationStateQuery(all, 'meters'))).flat().length, 2);
  },

  'nobody knows this device': () => refused(state('nobody'), 404201),
});
