'use strict';
// What the tests share: the emulated service as dps.json names it, Microsoft's clients for it, and how a test ends.
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');

const dps = JSON.parse(readFileSync(process.env.DPS_JSON, 'utf8'));
exports.dps = dps;
exports.deviceHost = 'global.azure-devices-provisioning.net';

exports.serviceClient = (key = dps.key) => ProvisioningServiceClient.fromConnectionString(
  `HostName=contoso.azure-devices-provisioning.net;SharedAccessKeyName=${dps.policy};SharedAccessKey=${key}`);

// The SDK's callback form, as a promise of [result, response]: two of its own promise forms are broken (README.md).
const callFully = (object, method, ...args) => new Promise((resolve, reject) => {
  object[method](...args, (error, result, response) => (error ? reject(error) : resolve([result, response])));
});
exports.callFully = callFully;
const call = async (object, method, ...args) => (await callFully(object, method, ...args))[0];
exports.call = call;

// All pages of a query.
exports.pages = async (query) => {
  const pages = [];
  do pages.push(await call(query, 'next')); while (query.hasMoreResults);
  return pages;
};

const transports = {
  http: () => new (require('azure-iot-provisioning-device-http').Http)(),
  mqtt: () => new (require('azure-iot-provisioning-device-mqtt').Mqtt)(),
};

// Registers as a device does. The answer is the registration's state.
exports.register = async (transport, security, { host = exports.deviceHost, idScope = dps.idScope, payload } = {}) => {
  const client = ProvisioningDeviceClient.create(host, idScope, transports[transport](), security);
  if (payload !== undefined) client.setProvisioningPayload(payload);
  const result = await call(client, 'register');
  return result.registrationState ?? result;
};

// The body of the service's error, wherever the SDK keeps it.
const bodyOf = (error) => {
  for (const body of [error.responseBody, error.result, error.result?.responseBody]) {
    if (typeof body === 'string' && body !== '') return JSON.parse(body);
    if (typeof body === 'object' && body !== null) return body;
  }
  return undefined;
};
exports.bodyOf = bodyOf;

// The call fails, and with this error code of the service.
exports.refused = async (promise, code) => {
  const error = await promise.then((value) => assert.fail(`it is not refused: ${JSON.stringify(value)}`),
    (reason) => reason);
  if (error instanceof assert.AssertionError) throw error;
  const body = bodyOf(error);
  assert.equal(body?.errorCode, code, `${error.stack}\n${JSON.stringify(body)}`);
  return error;
};

// Runs the cases, one after the other. A promise that never settles lets node end with 0: it must not pass for success.
exports.run = async (cases) => {
  process.exitCode = 1;
  for (const [name, check] of Object.entries(cases)) {
    await check();
    console.log(`ok ${name}`);
  }
  process.exitCode = 0;
};
