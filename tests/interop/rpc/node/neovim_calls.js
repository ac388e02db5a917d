// SPDX-License-Identifier: Apache-2.0
// npm's client of Neovim, with the server at $VIA_SOCKET, which serves visit.rpc.json, in Neovim's place. Once it has been told
// its number by nvim_get_api_info, it answers requests itself.
'use strict';
const assert = require('node:assert');
const { attach } = require('neovim');

const quiet = () => {};
const logger = { level: 'error', info: quiet, warn: quiet, error: quiet, debug: quiet };

async function main() {
  const server = attach({ socket: process.env.VIA_SOCKET, options: { logger } });
  server.on('request', (method, parameters, reply) => {
    assert.strictEqual(method, 'nvim_eval');
    if (parameters[0] === 'wrong') reply.send([0, 'that is wrong'], true);
    else reply.send(parameters[0].length);
  });

  assert.strictEqual(await server.channelId, 17);
  assert.strictEqual(await server.request('add', [40, 2]), 42);
  assert.strictEqual(await server.request('add', [-2147483648, 2147483647]), -1);
  await assert.rejects(server.request('subtract', [1, 2]), /subtract: there is no such method/);
  await assert.rejects(server.request('add', [1, 'two']), /add: b/);

  const sums = Array.from({ length: 100 }, (_, i) => server.request('add', [i, i]));
  assert.deepStrictEqual(await Promise.all(sums), Array.from({ length: 100 }, (_, i) => 2 * i));

  server.notify('remember', [4321]);
  assert.strictEqual(await server.request('recall'), 4321);
  assert.strictEqual(await server.request('ask_back', ['four']), 4);
  await assert.rejects(server.request('ask_back', ['wrong']), /no_answer/);
  await server.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
