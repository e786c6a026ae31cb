'use strict';
// A device with a TPM: a real activation, by Microsoft's TSS on swtpm. HTTP only: the service takes no TPM over MQTT.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { TpmSecurityClient } = require('azure-iot-security-tpm');
const { TPM_RC } = require('tss.js');
const { call, disabled, refused, register, run } = require('./sdk.js');
const { device, serviceClient } = require('./service.js');
const material = require('./material.js');
const swtpm = require('./swtpm.js');

const service = serviceClient();
const ask = (security, what) => new Promise((resolve, reject) => {
  security[what]((error, value) => (error ? reject(error) : resolve(value)));
});
const enroll = (registrationId, endorsementKey, more = {}) => call(service, 'createOrUpdateIndividualEnrollment',
  { registrationId, attestation: { type: 'tpm', tpm: { endorsementKey } }, ...more });

// Without a 401 to its first call the SDK says this, and does not tell what the service said.
const notChallenged = (promise) => assert.rejects(promise, { name: 'InvalidOperationError', message: /did NOT respond with an unauthorized error/ });

// A new TPM for the case, gone with it.
const withTpm = (check) => async () => {
  const { tpm, stop } = await swtpm.start(fs.mkdtempSync(path.join(process.env.WORK, 'tpm.')));
  await check(tpm);
  await stop();
};

run({
  'a TPM activates the key that it is given, registers, and does so again': withTpm(async (tpm) => {
    const security = new TpmSecurityClient(undefined, tpm);
    const ek = await ask(security, 'getEndorsementKey');
    const id = await ask(security, 'getRegistrationId');
    assert.equal(ek.length, 316);
    assert.match(id, /^[a-z2-7]{52}$/);
    await enroll(id, ek.toString('base64'), { deviceId: 'gateway-1' });
    for (let round = 0; round < 2; round++) {
      const state = await register('http', security, device);
      assert.equal(state.status, 'assigned');
      assert.equal(state.deviceId, 'gateway-1');
      assert.ok(state.tpm.authenticationKey.length > 0);
    }
  }),

  'an enrollment with another endorsement key is refused': withTpm(async (tpm) => {
    const security = new TpmSecurityClient('other-ek', tpm);
    await enroll('other-ek', material.endorsementKey());
    await notChallenged(register('http', security, device));
  }),

  'a TPM that nobody enrolled is refused': withTpm(async (tpm) => {
    await notChallenged(register('http', new TpmSecurityClient('not-enrolled', tpm), device));
  }),

  'a disabled enrollment is refused': withTpm(async (tpm) => {
    const security = new TpmSecurityClient('tpm-off', tpm);
    await enroll('tpm-off', (await ask(security, 'getEndorsementKey')).toString('base64'), { provisioningStatus: 'disabled' });
    await disabled(register('http', security, device));
  }),

  'another ID scope is refused': withTpm(async (tpm) => {
    const security = new TpmSecurityClient('tpm-scope', tpm);
    await enroll('tpm-scope', (await ask(security, 'getEndorsementKey')).toString('base64'));
    await notChallenged(register('http', security, { ...device, idScope: '0ne0000FFFF' }));
  }),

  // Last, since the SDK falls over: it looks at the result of an activation that failed, in a callback of its own.
  'another TPM can\'t use what the service sealed for the enrolled key': withTpm(async (tpm) => {
    const [claimed, security] = [material.endorsementKey(), new TpmSecurityClient('claims', tpm)];
    security.getEndorsementKey = (done) => done(null, Buffer.from(claimed, 'base64'));
    await enroll('claims', claimed);
    const fallen = new Promise((resolve) => { process.setUncaughtExceptionCaptureCallback(resolve); });
    const outcome = await Promise.race([register('http', security, device), fallen]);
    process.setUncaughtExceptionCaptureCallback(null);
    assert.match(outcome.stack, /^TypeError: .*\n.*azure-iot-security-tpm/);
    assert.notEqual(tpm.lastResponseCode, TPM_RC.SUCCESS);
    await refused(call(service, 'getDeviceRegistrationState', 'claims'), 404201);
  }),
});
