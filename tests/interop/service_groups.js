'use strict';
// Enrollment groups: X.509 by signing certificates, and symmetric ones.
const assert = require('node:assert/strict');
const { call, refused, run } = require('./sdk.js');
const { serviceClient } = require('./service.js');
const material = require('./material.js');

const service = serviceClient();
const put = (group) => call(service, 'createOrUpdateEnrollmentGroup', group);
const get = (id) => call(service, 'getEnrollmentGroup', id);
const remove = (...args) => call(service, 'deleteEnrollmentGroup', ...args);
const signedBy = (primary, secondary) => ({ type: 'x509', x509: { signingCertificates: {
  primary: { certificate: primary.cert }, ...(secondary && { secondary: { certificate: secondary.cert } }) } } });

run({
  'an X.509 group is made, rolled over to a second certificate, and deleted': async () => {
    const root = material.ca('interop root');
    const [now, next] = [material.ca('interop issuing 1', root), material.ca('interop issuing 2', root)];
    const group = { enrollmentGroupId: 'sensors', attestation: signedBy(now), provisioningStatus: 'enabled' };
    const made = await put(group);
    await refused(put(group), 409202);

    const rolled = await put({ ...group, attestation: signedBy(now, next), etag: made.etag });
    await refused(put({ ...group, etag: made.etag }), 412001);
    const kept = (await get('sensors')).attestation.x509.signingCertificates;
    assert.equal(kept.primary.certificate, undefined);
    assert.equal(kept.primary.info.sha256Thumbprint, material.thumbprint(now.cert));
    assert.equal(kept.secondary.info.sha256Thumbprint, material.thumbprint(next.cert));
    assert.equal(kept.secondary.info.issuerName, 'CN=interop root');

    await refused(remove('sensors', made.etag), 412001);
    await remove({ enrollmentGroupId: 'sensors', etag: rolled.etag });
    await refused(get('sensors'), 404202);
  },

  'a device\'s certificate can\'t sign a group': async () => {
    await refused(put({ enrollmentGroupId: 'leaves', attestation: signedBy(material.leaf('interop leaf')) }), 400004);
  },

  'a symmetric group: its keys are in the first answer and in attestationmechanism only': async () => {
    const made = await put({ enrollmentGroupId: 'meters', attestation: { type: 'symmetricKey', symmetricKey: {} } });
    const { primaryKey, secondaryKey } = made.attestation.symmetricKey;
    assert.equal(Buffer.from(primaryKey, 'base64').length, 64);
    assert.equal(JSON.stringify(await get('meters')).includes(primaryKey.slice(0, 20)), false);
    assert.deepEqual(await call(service, 'getEnrollmentGroupAttestationMechanism', 'meters'),
      { type: 'symmetricKey', symmetricKey: { primaryKey, secondaryKey } });
  },

  'a TPM has no group': async () => {
    await refused(put({ enrollmentGroupId: 'tpms',
      attestation: { type: 'tpm', tpm: { endorsementKey: material.endorsementKey() } } }), 400004);
  },
});
