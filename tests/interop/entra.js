'use strict';
// The emulated Entra ID (entra.sh), and MSAL as Microsoft's own tools use it.
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { ConfidentialClientApplication } = require('@azure/msal-node');
const material = require('./material.js');

const read = (name) => readFileSync(path.join(process.env.WORK, name), 'utf8');
const host = 'contoso.azure-devices-provisioning.net';
const authority = `https://${host}/contoso`;
// What MSAL would ask login.microsoftonline.com for: here the emulator is the authority.
const metadata = {
  authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
  token_endpoint: `${authority}/oauth2/v2.0/token`,
  issuer: `${authority}/v2.0`,
  jwks_uri: `${authority}/discovery/v2.0/keys`,
};

exports.host = host;
exports.secret = { clientSecret: read('entra.secret').trim() };
exports.certificate = { clientCertificate: {
  thumbprintSha256: material.thumbprint(read('entra.pem')), privateKey: read('entra.key') } };

// A credential as the SDKs want it (@azure/core-auth): a token for the scope, and when it ends.
exports.login = (credential) => {
  const application = new ConfidentialClientApplication({ auth: {
    clientId: 'station', authority, knownAuthorities: [host], authorityMetadata: JSON.stringify(metadata), ...credential } });
  return { getToken: async (scope) => {
    const { accessToken, expiresOn } = await application.acquireTokenByClientCredential({ scopes: [scope] });
    return { token: accessToken, expiresOnTimestamp: expiresOn.getTime() };
  } };
};
