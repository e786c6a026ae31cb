'use strict';
// A throttled device: over MQTT the SDK waits and tries again, over HTTP it gives up at once.
// usage: device_throttled.js http|mqtt, under an emulator that answers each second call with 429
const assert = require('node:assert/strict');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { call, refused, register, run } = require('./sdk.js');
const { device, serviceClient } = require('./service.js');
const material = require('./material.js');

const transport = process.argv[2];
const key = material.symmetricKey();
const registers = () => register(transport, new SymmetricKeySecurityClient('busy', key), device);

run({
  'the call that registers, and each that asks, meet a 429': async () => {
    await call(serviceClient(), 'createOrUpdateIndividualEnrollment', { registrationId: 'busy',
      attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: material.symmetricKey() } } });
    if (transport === 'http') await refused(registers(), 429001);
    else assert.equal((await registers()).status, 'assigned');
  },
});
