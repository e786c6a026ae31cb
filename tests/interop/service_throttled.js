'use strict';
// Beyond the limit of operations a minute. The SDK does not try again by itself: its caller is told, and for how long.
// usage: under an emulator that takes three operations a minute
const assert = require('node:assert/strict');
const { call, refused, run } = require('./sdk.js');
const { serviceClient } = require('./service.js');

const service = serviceClient();

run({
  'the fourth call of a minute is throttled': async () => {
    const get = () => call(service, 'getIndividualEnrollment', 'nobody');
    for (let i = 0; i < 3; i++) await refused(get(), 404201);
    const error = await refused(get(), 429001);
    assert.equal(error.name, 'ThrottlingError');
    assert.equal(error.response.headers['retry-after'], '7');
  },
});
