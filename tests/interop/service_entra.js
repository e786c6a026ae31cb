'use strict';
// The service's client logs in by Entra ID: MSAL, as Microsoft's own tools do, gets the token with a secret or with an
// assertion that a certificate's key signs.
// usage: service_entra.js SECRET-FILE CERTIFICATE KEY, under an emulator that has the first two
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { readFileSync } = require('node:fs');
const { ConfidentialClientApplication } = require('@azure/msal-node');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { call, refused, run } = require('./sdk.js');
const material = require('./material.js');

const [secret, certificate, privateKey] = process.argv.slice(2).map((file) => readFileSync(file, 'utf8'));
const host = 'contoso.azure-devices-provisioning.net';
const authority = `https://${host}/contoso`;
// What MSAL would ask login.microsoftonline.com for: here the emulator is the authority.
const metadata = {
  authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
  token_endpoint: `${authority}/oauth2/v2.0/token`,
  issuer: `${authority}/v2.0`,
  jwks_uri: `${authority}/discovery/v2.0/keys`,
};

const application = (credential) => new ConfidentialClientApplication({ auth: {
  clientId: 'station', authority, knownAuthorities: [host], authorityMetadata: JSON.stringify(metadata), ...credential } });
// As the SDK wants it (@azure/core-auth): a token and when it ends.
const service = (credential) => {
  const msal = application(credential);
  const getToken = async (scope) => {
    const { accessToken, expiresOn } = await msal.acquireTokenByClientCredential({ scopes: [scope] });
    return { token: accessToken, expiresOnTimestamp: expiresOn.getTime() };
  };
  return ProvisioningServiceClient.fromTokenCredential(host, { getToken });
};
const thumbprintSha256 = material.thumbprint(certificate);
const works = async (client, registrationId) => {
  await call(client, 'createOrUpdateIndividualEnrollment', { registrationId,
    attestation: { type: 'tpm', tpm: { endorsementKey: material.endorsementKey() } } });
  assert.equal((await call(client, 'getIndividualEnrollment', registrationId)).registrationId, registrationId);
};

run({
  'by a secret': () => works(service({ clientSecret: secret.trim() }), 'by-secret'),

  'by a certificate': () => works(service({ clientCertificate: { thumbprintSha256, privateKey } }), 'by-certificate'),

  'another secret is refused': () => assert.rejects(application({ clientSecret: 'another' })
    .acquireTokenByClientCredential({ scopes: ['https://azure-devices-provisioning.net/.default'] }), { errorCode: 'invalid_client' }),

  'another key than the certificate\'s is refused': async () => {
    const other = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    await assert.rejects(application({ clientCertificate: { thumbprintSha256, privateKey: other } })
      .acquireTokenByClientCredential({ scopes: ['https://azure-devices-provisioning.net/.default'] }), { errorCode: 'invalid_client' });
  },

  'a token for something else is none for the service': async () => {
    const { accessToken } = await application({ clientSecret: secret.trim() })
      .acquireTokenByClientCredential({ scopes: ['https://management.azure.com/.default'] });
    const getToken = async () => ({ token: accessToken, expiresOnTimestamp: Date.now() + 3600000 });
    await refused(call(ProvisioningServiceClient.fromTokenCredential(host, { getToken }), 'getIndividualEnrollment', 'by-secret'), 401002);
  },
});
