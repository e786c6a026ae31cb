'use strict';
// The emulated service as dps.json names it, and Microsoft's client of its service API.
const { readFileSync } = require('node:fs');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { call } = require('./sdk.js');

const dps = JSON.parse(readFileSync(process.env.DPS_JSON, 'utf8'));
exports.device = { host: 'global.azure-devices-provisioning.net', idScope: dps.idScope };

exports.serviceClient = (key = dps.key) => ProvisioningServiceClient.fromConnectionString(
  `HostName=contoso.azure-devices-provisioning.net;SharedAccessKeyName=${dps.policy};SharedAccessKey=${key}`);

// All pages of a query.
exports.pages = async (query) => {
  const pages = [];
  do pages.push(await call(query, 'next')); while (query.hasMoreResults);
  return pages;
};
