'use strict';
// Keys and certificates for the tests: all of them made here, by openssl, and thrown away with the folder.
const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const { readFileSync } = require('node:fs');
const path = require('node:path');

const folder = process.env.WORK;
const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

// A certificate named CN = name: { cert, key } as PEM, and the files for issuing others under it.
const issue = (name, issuer, extension) => {
  const file = path.join(folder, crypto.randomUUID());
  const files = { certFile: `${file}.pem`, keyFile: `${file}.key` };
  const signer = issuer === undefined ? [] : ['-CA', issuer.certFile, '-CAkey', issuer.keyFile];
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
    '-subj', `/CN=${name}`, '-addext', extension, '-keyout', files.keyFile, '-out', files.certFile, ...signer);
  return { ...files, cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') };
};
exports.ca = (name, issuer) => issue(name, issuer, 'basicConstraints=critical,CA:TRUE');
exports.leaf = (name, issuer) => issue(name, issuer, 'basicConstraints=critical,CA:FALSE');

// As the service writes it: upper-case hexadecimal of the DER's SHA-256.
exports.thumbprint = (pem) => new crypto.X509Certificate(pem).fingerprint256.replaceAll(':', '');

exports.symmetricKey = () => crypto.randomBytes(64).toString('base64');
// dps-api 5.2: what a device of a symmetric group holds
exports.derivedKey = (groupKey, registrationId) =>
  crypto.createHmac('sha256', Buffer.from(groupKey, 'base64')).update(registrationId).digest('base64');

// An endorsement key as TPM2B_PUBLIC: the TCG's template (dps-api 7.1) and a modulus of its own.
exports.endorsementKey = () => {
  const template = 'AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEA';
  const { n } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  return Buffer.concat([Buffer.from(template, 'base64'), Buffer.from(n, 'base64url')]).toString('base64');
};
