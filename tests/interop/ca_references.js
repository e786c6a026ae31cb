'use strict';
// A group that names CA certificates of the service: uploaded and proven to be ours over the management plane, for which
// plain HTTPS is used; the group and the devices are the SDKs'.
// usage: entra.sh ca_references.js http|mqtt
const assert = require('node:assert/strict');
const https = require('node:https');
const { X509Security } = require('azure-iot-security-x509');
const { call, register, run, unauthorized } = require('./sdk.js');
const { device, serviceClient } = require('./service.js');
const { host, login, secret } = require('./entra.js');
const material = require('./material.js');

const transport = process.argv[2];
const credential = login(secret);
const instance = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/contoso';

const manage = async (method, path, { body, etag } = {}) => {
  const { token } = await credential.getToken('https://management.azure.com/.default');
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = { 'Authorization': `Bearer ${token}`, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text),
    ...(etag && { 'If-Match': etag }) };
  return new Promise((resolve, reject) => {
    const request = https.request({ host, method, headers, path: `${instance}${path}?api-version=2022-12-12` }, async (response) => {
      const answer = Buffer.concat(await response.toArray()).toString();
      if (response.statusCode === 200) resolve(JSON.parse(answer));
      else reject(new Error(`${response.statusCode} ${answer}`));
    });
    request.on('error', reject);
    request.end(text);
  });
};

const root = material.ca('interop root');
const issuing = material.ca('interop issuing', root);
const leaf = material.leaf('unit-1', issuing);
const registers = () => register(transport,
  new X509Security('unit-1', { cert: leaf.cert + issuing.cert, key: leaf.key }), device);

run({
  'a group refers to a certificate that nobody has proven yet: its devices are refused': async () => {
    const made = await manage('PUT', '/certificates/plant', { body: { properties: { certificate: Buffer.from(root.cert).toString('base64') } } });
    assert.equal(made.properties.isVerified, false);
    await call(serviceClient(), 'createOrUpdateEnrollmentGroup', { enrollmentGroupId: 'by-reference',
      attestation: { type: 'x509', x509: { caReferences: { primary: 'plant' } } } });
    await unauthorized(registers());
  },

  'a proof by another key is none': async () => {
    const { etag } = await manage('GET', '/certificates/plant');
    const { etag: next, properties } = await manage('POST', '/certificates/plant/generateVerificationCode', { etag });
    const proof = material.leaf(properties.verificationCode, material.ca('interop root'));
    await assert.rejects(manage('POST', '/certificates/plant/verify',
      { etag: next, body: { certificate: Buffer.from(proof.cert).toString('base64') } }), /^Error: 400 /);
    await unauthorized(registers());
  },

  'once it is proven they register': async () => {
    const { etag } = await manage('GET', '/certificates/plant');
    const { etag: next, properties } = await manage('POST', '/certificates/plant/generateVerificationCode', { etag });
    const proof = material.leaf(properties.verificationCode, root);
    const proven = await manage('POST', '/certificates/plant/verify',
      { etag: next, body: { certificate: Buffer.from(proof.cert).toString('base64') } });
    assert.equal(proven.properties.isVerified, true);
    assert.equal((await registers()).status, 'assigned');
    const group = await call(serviceClient(), 'getEnrollmentGroup', 'by-reference');
    assert.equal(group.attestation.x509.caReferences.primary, 'plant');
  },
});
