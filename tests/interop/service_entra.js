'use strict';
// The service's client logs in by Entra ID, with a secret and with an assertion that a certificate's key signs.
// usage: entra.sh service_entra.js
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { call, refused, run } = require('./sdk.js');
const { certificate, host, login, secret } = require('./entra.js');
const material = require('./material.js');

const service = (credential) => ProvisioningServiceClient.fromTokenCredential(host, credential);
const scope = 'https://azure-devices-provisioning.net/.default';
const works = async (client, registrationId) => {
  await call(client, 'createOrUpdateIndividualEnrollment', { registrationId,
    attestation: { type: 'tpm', tpm: { endorsementKey: material.endorsementKey() } } });
  assert.equal((await call(client, 'getIndividualEnrollment', registrationId)).registrationId, registrationId);
};

run({
  'by a secret': () => works(service(login(secret)), 'by-secret'),

  'by a certificate': () => works(service(login(certificate)), 'by-certificate'),

  'another secret is refused': () =>
    assert.rejects(login({ clientSecret: 'another' }).getToken(scope), { errorCode: 'invalid_client' }),

  'another key than the certificate\'s is refused': async () => {
    const privateKey = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const credential = { clientCertificate: { ...certificate.clientCertificate, privateKey } };
    await assert.rejects(login(credential).getToken(scope), { errorCode: 'invalid_client' });
  },

  'a token for something else is none for the service': async () => {
    const other = { getToken: () => login(secret).getToken('https://management.azure.com/.default') };
    await refused(call(service(other), 'getIndividualEnrollment', 'by-secret'), 401002);
  },
});
