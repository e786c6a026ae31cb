'use strict';
// Devices with certificates: enrolled one by one, or through the chain of their group.
// usage: device_x509.js http|mqtt
const assert = require('node:assert/strict');
const { X509Security } = require('azure-iot-security-x509');
const { call, disabled, refused, register, run, unauthorized } = require('./sdk.js');
const { device, serviceClient } = require('./service.js');
const material = require('./material.js');

const transport = process.argv[2];
const service = serviceClient();
const enroll = (registrationId, { primary, secondary }, more = {}) =>
  call(service, 'createOrUpdateIndividualEnrollment', { registrationId, ...more, attestation: { type: 'x509', x509: {
    clientCertificates: { primary: { certificate: primary.cert }, ...(secondary && { secondary: { certificate: secondary.cert } }) } } } });
const group = (enrollmentGroupId, signer, more = {}) =>
  call(service, 'createOrUpdateEnrollmentGroup', { enrollmentGroupId, ...more,
    attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: signer.cert } } } } });
// What a device shows: its certificate, and those that it has above it.
const registers = (registrationId, leaf, above = [], where = device) => register(transport,
  new X509Security(registrationId, { cert: [leaf, ...above].map(({ cert }) => cert).join(''), key: leaf.key }), where);

const root = material.ca('interop root');
const issuing = material.ca('interop issuing', root);

run({
  'an individual enrollment: by its primary and by its secondary certificate': async () => {
    const [primary, secondary] = [material.leaf('alone'), material.leaf('alone')];
    await enroll('alone', { primary, secondary }, { deviceId: 'Device-Alone' });
    for (const leaf of [primary, secondary]) {
      const state = await registers('alone', leaf);
      assert.equal(state.status, 'assigned');
      assert.equal(state.deviceId, 'Device-Alone');
      assert.ok(state.assignedHub.length > 0);
    }
  },

  'another certificate of the same name is refused': () => unauthorized(registers('alone', material.leaf('alone'))),

  'a certificate of another name is refused': async () => {
    await enroll('named', { primary: material.leaf('otherwise') });
    await unauthorized(registers('named', material.leaf('otherwise')));
  },

  'a group of the issuing certificate: by the chain': async () => {
    await group('issued', issuing);
    const state = await registers('unit-1', material.leaf('unit-1', issuing), [issuing]);
    assert.equal(state.status, 'assigned');
    assert.equal(state.deviceId, 'unit-1');
    await call(service, 'deleteEnrollmentGroup', 'issued');
  },

  'a group of the root: by the whole chain, and not without what is between': async () => {
    await group('rooted', root);
    const leaf = material.leaf('unit-2', issuing);
    await unauthorized(registers('unit-2', leaf));
    assert.equal((await registers('unit-2', leaf, [issuing])).status, 'assigned');
  },

  'a chain to somebody else\'s root is refused': async () => {
    const otherRoot = material.ca('interop root');
    const otherIssuing = material.ca('interop issuing', otherRoot);
    await unauthorized(registers('unit-3', material.leaf('unit-3', otherIssuing), [otherIssuing, otherRoot]));
  },

  'a leaf beside a chain that did not issue it is refused': () =>
    unauthorized(registers('unit-4', material.leaf('unit-4'), [issuing])),

  'a disabled enrollment decides, though the group would take the device': async () => {
    const leaf = material.leaf('unit-5', issuing);
    await enroll('unit-5', { primary: leaf }, { provisioningStatus: 'disabled' });
    await disabled(registers('unit-5', leaf, [issuing]));
    assert.equal((await registers('unit-6', material.leaf('unit-6', issuing), [issuing])).status, 'assigned');
  },

  'another ID scope is refused': () =>
    refused(registers('unit-6', material.leaf('unit-6', issuing), [issuing], { ...device, idScope: '0ne0000FFFF' }), 404001),
});
