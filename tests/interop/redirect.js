'use strict';
// node -r redirect.js: the SDKs know two ports, 443 and 8883, and no option for others. What they open there goes to
// the emulator's ports instead; the host name that is checked stays the one that was asked for.
const net = require('node:net');
const tls = require('node:tls');

const ports = { 443: process.env.HTTPS_PORT, 8883: process.env.MQTT_PORT };
const connect = tls.connect;

tls.connect = (options, ...rest) => {
  const port = ports[options.port];
  if (port === undefined) throw new Error(`no port of the emulator is given for ${options.port}`);
  const name = net.isIP(options.host) ? {} : { servername: options.host };
  return connect({ ...options, ...name, host: '127.0.0.1', port: Number(port) }, ...rest);
};
