'use strict';
// A provisioned device registers by itself: with what lies in its flash, and nothing else.
// usage: registers.js FLASH http|mqtt
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { register, run } = require('./sdk.js');
const swtpm = require('./swtpm.js');

const [flash, transport] = process.argv.slice(2);
const read = (name) => readFileSync(path.join(flash, name), 'utf8');
const { attestation, registrationId, idScope, host } = JSON.parse(read('provisioning.json'));

const isAssigned = (state) => {
  assert.equal(state.status, 'assigned');
  assert.equal(state.registrationId, registrationId);
  assert.ok(state.assignedHub.length > 0 && state.deviceId.length > 0);
};

const withTpm = async () => {
  const { TpmSecurityClient } = require('azure-iot-security-tpm');
  const { tpm, stop } = await swtpm.start(path.join(flash, 'tpm'));
  const security = new TpmSecurityClient(undefined, tpm);
  // Without being told, the SDK makes the ID from the endorsement key that it finds: it has to be the station's.
  const found = await new Promise((resolve, reject) => {
    security.getRegistrationId((error, id) => (error ? reject(error) : resolve(id)));
  });
  assert.equal(found, registrationId);
  isAssigned(await register(transport, security, { host, idScope }));
  await stop();
};

const withCertificate = async () => {
  const { X509Security } = require('azure-iot-security-x509');
  const security = new X509Security(registrationId, { cert: read('chain.pem'), key: read('device.key') });
  isAssigned(await register(transport, security, { host, idScope }));
};

const withKey = async () => {
  const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
  const security = new SymmetricKeySecurityClient(registrationId, read('symmetric.key').trim());
  isAssigned(await register(transport, security, { host, idScope }));
};

run({ [`${registrationId} by ${attestation} over ${transport}`]:
  { tpm: withTpm, x509: withCertificate, symmetricKey: withKey }[attestation] });
