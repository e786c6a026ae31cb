'use strict';
// A TPM for Microsoft's TSS: swtpm on a folder of state, as raw commands through a socket. The SDK itself knows
// /dev/tpm0 and a TPM simulator; its Tpm takes any object with these three functions.
const { spawn } = require('node:child_process');
const net = require('node:net');
const fs = require('node:fs');
const path = require('node:path');
const { once } = require('node:events');
const { Tpm } = require('tss.js');

class RawDevice {
  constructor(socket) {
    this.socket = socket;
    this.answer = Buffer.alloc(0);
    socket.on('data', (part) => this.take(part));
  }

  connect(done) { setImmediate(done, null); }

  dispatchCommand(command, done) {
    this.done = done;
    this.socket.write(command);
  }

  // A response says its size at offset 2.
  take(part) {
    this.answer = Buffer.concat([this.answer, part]);
    if (this.answer.length < 6 || this.answer.length < this.answer.readUInt32BE(2)) return;
    const whole = this.answer;
    this.answer = Buffer.alloc(0);
    setImmediate(this.done, null, whole);
  }

  close() { this.socket.end(); }
}

const connected = async (file) => {
  for (let tries = 0; ; tries++) {
    const socket = net.connect(file);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (tries === 200) throw error;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }
};

// { tpm, stop }: stop ends swtpm, which keeps its state in the folder.
exports.start = async (folder) => {
  const file = path.join(fs.mkdtempSync(path.join(process.env.WORK, 'swtpm.')), 'tpm');
  const child = spawn('swtpm', ['socket', '--tpm2', '--tpmstate', `dir=${folder}`, '--server', `type=unixio,path=${file}`,
    '--ctrl', `type=unixio,path=${file}.ctrl`, '--flags', 'not-need-init,startup-clear'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  process.once('exit', () => child.kill());
  const tpm = new Tpm(false);
  tpm.device = new RawDevice(await connected(file));
  const stop = async () => {
    tpm.close();
    child.kill();
    await ended;
  };
  return { tpm, stop };
};
