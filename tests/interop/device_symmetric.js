'use strict';
// Devices with symmetric keys: enrolled one by one, or by a key that derives from their group's.
// usage: device_symmetric.js http|mqtt
const assert = require('node:assert/strict');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { call, disabled, refused, register, run, unauthorized } = require('./sdk.js');
const { device, serviceClient } = require('./service.js');
const material = require('./material.js');

const transport = process.argv[2];
const service = serviceClient();
const keys = () => ({ primaryKey: material.symmetricKey(), secondaryKey: material.symmetricKey() });
const enroll = (registrationId, symmetricKey, more = {}) =>
  call(service, 'createOrUpdateIndividualEnrollment', { registrationId, attestation: { type: 'symmetricKey', symmetricKey }, ...more });
const registers = (registrationId, key, where = device) =>
  register(transport, new SymmetricKeySecurityClient(registrationId, key), where);

const own = keys();
const shared = keys();

run({
  'an individual enrollment: by its primary and by its secondary key': async () => {
    await enroll('alone-1', own, { deviceId: 'Device-Alone' });
    for (const key of [own.primaryKey, own.secondaryKey]) {
      const state = await registers('alone-1', key);
      assert.equal(state.status, 'assigned');
      assert.equal(state.deviceId, 'Device-Alone');
      assert.equal(state.registrationId, 'alone-1');
      assert.ok(state.assignedHub.length > 0);
    }
  },

  'another key is refused': () => unauthorized(registers('alone-1', material.symmetricKey())),

  'another ID scope is refused': () =>
    refused(registers('alone-1', own.primaryKey, { ...device, idScope: '0ne0000FFFF' }), 404001),

  'nobody knows this device': () => unauthorized(registers('nobody', own.primaryKey)),

  'a group: by the key that derives from its primary or secondary key': async () => {
    await call(service, 'createOrUpdateEnrollmentGroup', { enrollmentGroupId: 'meters',
      attestation: { type: 'symmetricKey', symmetricKey: shared } });
    for (const [id, key] of [['meter-1', shared.primaryKey], ['meter-2', shared.secondaryKey]]) {
      const state = await registers(id, material.derivedKey(key, id));
      assert.equal(state.status, 'assigned');
      assert.equal(state.deviceId, id);
    }
  },

  'the key of another device of the group, and the group\'s own, are refused': async () => {
    await unauthorized(registers('meter-3', material.derivedKey(shared.primaryKey, 'meter-1')));
    await unauthorized(registers('meter-3', shared.primaryKey));
  },

  'a disabled enrollment is refused, with the right key too': async () => {
    await enroll('off', own, { provisioningStatus: 'disabled' });
    await disabled(registers('off', own.primaryKey));
    await unauthorized(registers('off', shared.primaryKey));
  },

  'a device that comes again stays where it is': async () => {
    const [first, again] = [await registers('alone-1', own.primaryKey), await registers('alone-1', own.primaryKey)];
    assert.equal(again.assignedHub, first.assignedHub);
    assert.equal(again.createdDateTimeUtc, first.createdDateTimeUtc);
  },
});
