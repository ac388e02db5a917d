// SPDX-License-Identifier: Apache-2.0
// vscode-jsonrpc as the client of the server at $VIA_SOCKET, which serves calc.rpc.json.
'use strict';
const assert = require('node:assert');
const net = require('node:net');
const rpc = require('vscode-jsonrpc/node');

const byPosition = rpc.ParameterStructures.byPosition;

async function values(server) {
  assert.strictEqual(await server.sendRequest('add', 40, 2), 42);
  assert.strictEqual(await server.sendRequest('add', { b: 2, a: 40 }), 42);
  assert.strictEqual(await server.sendRequest('sum', byPosition, [1, 2, 3]), 6);
  assert.strictEqual(await server.sendRequest('power', { base: 0.5, exponent: 2 }), 0.25);
  assert.strictEqual(await server.sendRequest('greet', { name: 'grüße \u{1f600}' }), 'hello, grüße \u{1f600}');
  assert.strictEqual(await server.sendRequest('name_of', byPosition, 9), null);
  assert.strictEqual(await server.sendRequest('widest', 0, 0, 0, 0, 0, 0, 0, '18446744073709551615', 0),
    '18446744073709551615');
  assert.deepStrictEqual(await server.sendRequest('mirror', { point: { x: 1, y: 2 } }), { x: -1, y: 2 });
  assert.deepStrictEqual(await server.sendRequest('divide', { a: 17, b: 5 }), [3, 2]);
}

async function errors(server) {
  const code = (number) => (error) => error instanceof rpc.ResponseError && error.code === number;

  await assert.rejects(server.sendRequest('divide', 1, 0),
    (error) => code(1)(error) && error.data.name === 'divide_by_zero' && /divide/.test(error.message));
  await assert.rejects(server.sendRequest('subtract', 1, 2), code(rpc.ErrorCodes.MethodNotFound));
  await assert.rejects(server.sendRequest('add', { a: 1 }), code(rpc.ErrorCodes.InvalidParams));
  await assert.rejects(server.sendRequest('add', 1, 'two'), code(rpc.ErrorCodes.InvalidParams));
}

async function manyAtOnce(server) {
  const sums = Array.from({ length: 100 }, (_, i) => server.sendRequest('add', i, i));

  assert.deepStrictEqual(await Promise.all(sums), Array.from({ length: 100 }, (_, i) => 2 * i));
}

// The function is told while it runs; what was cancelled is answered all the same.
async function cancelling(server) {
  const source = new rpc.CancellationTokenSource();
  const waiting = server.sendRequest('wait_ms', byPosition, 60000, source.token);

  setTimeout(() => source.cancel(), 20);
  assert.strictEqual(await waiting, 1);
  assert.strictEqual(await server.sendRequest('add', 1, 1), 2);
}

async function main() {
  const socket = net.createConnection(process.env.VIA_SOCKET);
  const server = rpc.createMessageConnection(new rpc.StreamMessageReader(socket), new rpc.StreamMessageWriter(socket));

  server.listen();
  await values(server);
  await errors(server);
  await manyAtOnce(server);
  await cancelling(server);
  await server.sendNotification('remember', byPosition, 5678);
  await server.sendNotification('noSuchNotification', {});
  assert.strictEqual(await server.sendRequest('recall'), 5678);
  server.dispose();
  socket.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
