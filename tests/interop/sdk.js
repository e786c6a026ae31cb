'use strict';
// How the tests call Microsoft's clients, what a refusal is, and how a test ends.
const assert = require('node:assert/strict');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');

// The SDK's callback form, as a promise of [result, response]: two of its own promise forms are broken (README.md).
const callFully = (object, method, ...args) => new Promise((resolve, reject) => {
  object[method](...args, (error, result, response) => (error ? reject(error) : resolve([result, response])));
});
exports.callFully = callFully;
const call = async (object, method, ...args) => (await callFully(object, method, ...args))[0];
exports.call = call;

const transports = {
  http: () => new (require('azure-iot-provisioning-device-http').Http)(),
  mqtt: () => new (require('azure-iot-provisioning-device-mqtt').Mqtt)(),
};

// Registers as a device does, over 'http' or 'mqtt'. The answer is the registration's state.
exports.register = async (transport, security, { host, idScope, payload }) => {
  const client = ProvisioningDeviceClient.create(host, idScope, transports[transport](), security);
  if (payload !== undefined) client.setProvisioningPayload(payload);
  const result = await call(client, 'register');
  return result.registrationState ?? result;
};

// The body of the service's error, wherever the SDK keeps it.
const bodyOf = (error) => {
  for (const body of [error.responseBody, error.result]) {
    if (typeof body === 'string' && body !== '') return JSON.parse(body);
    if (typeof body === 'object' && body !== null) return body;
  }
  return undefined;
};

const failureOf = (promise) => promise.then(
  (value) => { throw new assert.AssertionError({ message: `it is not refused: ${JSON.stringify(value)}` }); },
  (error) => error);

// The call fails, and with this error code of the service.
exports.refused = async (promise, code) => {
  const error = await failureOf(promise);
  assert.equal(bodyOf(error)?.errorCode, code, error.stack);
  return error;
};

// What the SDK makes of a status that it does not know (README.md).
exports.disabled = (promise) => assert.rejects(promise, { name: 'SyntaxError', message: 'status is disabled' });

// A login that fails: over MQTT the connection itself is refused, "not authorized" (MQTT 3.2.2.3).
const CONNACK_NOT_AUTHORIZED = 5;
exports.unauthorized = async (promise) => {
  const error = await failureOf(promise);
  if (error.code !== CONNACK_NOT_AUTHORIZED) assert.equal(bodyOf(error)?.errorCode, 401002, error.stack);
};

// Runs the cases, one after the other. A promise that never settles lets node end with 0: it must not pass for success.
exports.run = async (cases) => {
  process.exitCode = 1;
  for (const [name, check] of Object.entries(cases)) {
    try {
      await check();
    } catch (error) {
      console.error(`FAILED ${name}: ${error.stack}\n${JSON.stringify(bodyOf(error) ?? '')}`);
      process.exit(1);
    }
    console.log(`ok ${name}`);
  }
  process.exitCode = 0;
};
