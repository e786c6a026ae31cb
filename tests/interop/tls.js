'use strict';
// A service whose certificate is no good is talked to by none of the clients.
// usage: tls.js CODE, under an emulator with such a certificate; CODE is node's word for what is wrong
const assert = require('node:assert/strict');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { call, register, run } = require('./sdk.js');
const { device, serviceClient } = require('./service.js');
const material = require('./material.js');

const code = process.argv[2];
const registers = (transport) => register(transport, new SymmetricKeySecurityClient('any', material.symmetricKey()), device);

run({
  [`the service's client: ${code}`]: () => assert.rejects(call(serviceClient(), 'getIndividualEnrollment', 'any'), { code }),
  [`a device over HTTP: ${code}`]: () => assert.rejects(registers('http'), { code }),
  [`a device over MQTT: ${code}`]: () => assert.rejects(registers('mqtt'), { code }),
});
