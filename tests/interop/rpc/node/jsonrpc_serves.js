// SPDX-License-Identifier: Apache-2.0
// vscode-jsonrpc as a server on its standard streams: some of calc.rpc.json, and what an interface file cannot say.
'use strict';
const rpc = require('vscode-jsonrpc/node');

const client = rpc.createMessageConnection(
  new rpc.StreamMessageReader(process.stdin), new rpc.StreamMessageWriter(process.stdout));
const held = [];
let remembered = 0;

client.onRequest('add', (a, b) => a + b);
client.onRequest('divide', (a, b) => {
  if (b === 0) throw new rpc.ResponseError(1, 'divide_by_zero', { name: 'divide_by_zero' });
  return [Math.trunc(a / b), a % b];
});
client.onNotification('remember', (value) => { remembered = value; });
client.onRequest('recall', () => remembered);
client.onRequest('echo', (value) => value);
client.onRequest('keys', (parameters) => Object.keys(parameters));
client.onRequest('held', (number) => new Promise((done) => {
  held.unshift(() => done(number));
  if (held.length === 100) setImmediate(() => held.forEach((answer) => answer())); // the last one first
}));
client.onRequest('askBack', async (a, b) => await client.sendRequest('add', a, b) + 1);
client.onRequest('until cancelled', (token) => new Promise((_, fail) => {
  token.onCancellationRequested(() => fail(new rpc.ResponseError(-32800, 'given up')));
}));
client.onClose(() => process.exit(0));
client.listen();
