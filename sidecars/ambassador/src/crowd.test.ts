/**
 * Many clients at once, a fifth of them waiting: each gets its own answers, those that leave take nothing, and what they
 * needed comes back. `npm run soak -- ambassador-crowd` has 5,000 of them, 1,000 waiting.
 */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import { FakeValkey } from './testing/valkey.ts';

const CLIENTS = Number(process.env['CROWD_CLIENTS'] ?? 500);
const WAITING = CLIENTS / 5;
const ROUNDS = 16;
/** Connections that are made at once. */
const BATCH = 100;
/** What all of them need at once, in MiB of the heap: far less than what they needed one round after the other. */
const HEAP = 20 + CLIENTS / 50;

async function clientsOf(port: number): Promise<RespClient[]> {
  const clients: RespClient[] = [];
  while (clients.length < CLIENTS)
    clients.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(BATCH, CLIENTS - clients.length) }, () => RespClient.to(port)),
      )),
    );
  return clients;
}

/** All of them come, and all of them go. */
async function visit(program: Program, port: number, servers: readonly FakeValkey[]): Promise<void> {
  const clients = await clientsOf(port);
  const waiting = clients.slice(0, WAITING);
  const others = clients.slice(WAITING);
  for (const [index, client] of waiting.entries()) client.send(['BLPOP', `list-${index}`, '0']);
  const [first, second] = others as [RespClient, RespClient];
  await program.eventually('all who wait are waiting', async () =>
    new RegExp(`^blocked_clients:${WAITING}\r$`, 'm').test((await first.ask('INFO')) as string),
  );
  await program.eventually('all are there', async () => (await program.metric('client_connections')) === CLIENTS);
  // Those who do not wait are not held up by those who do.
  assert.equal(
    await Promise.all(
      others.map((client, index) => client.pipeline(['SET', `k-${index}`, `${index}`], ['GET', `k-${index}`])),
    ),
    others.map((_, index) => ['OK', `${index}`]),
  );
  const leaving = waiting.filter((_, index) => index % 2 === 1);
  for (const client of leaving) client.close();
  await program.eventually('who has left waits no longer', async () =>
    new RegExp(`^blocked_clients:${WAITING - leaving.length}\r$`, 'm').test((await first.ask('INFO')) as string),
  );
  await second.pipeline(...waiting.map((_, index) => ['RPUSH', `list-${index}`, `for ${index}`]));
  for (const [index, client] of waiting.entries())
    if (index % 2 === 0) assert.equal(await client.next(), [`list-${index}`, `for ${index}`]);
  const left = servers.flatMap(({ keys }) => [...keys].filter(([key]) => key.startsWith('list-')));
  assert.is(left.length, leaving.length, 'what nobody waits for stays');
  for (const client of clients) client.close();
  await program.eventually('all are gone', async () => (await program.metric('client_connections')) === 0);
  for (const { keys } of servers) keys.clear();
}

const servers = [0, 1, 2].map(() => new FakeValkey());
let program: Program | undefined;
test.after.each(async () => {
  program?.child.kill('SIGKILL');
  for (const server of servers) await server.kill();
});

test(`${CLIENTS} clients, ${WAITING} of them waiting: descriptors and memory come back when they leave`, async () => {
  for (const server of servers) await server.start();
  const port = await freePort();
  // What is kept of those who have left ends the program: its heap has no place for it.
  program = await startProgram([`--max-old-space-size=${HEAP}`, join(import.meta.dirname, 'main.ts')], {
    AMBASSADOR_PORT: String(port),
    SERVERS: servers.map((server, index) => `127.0.0.1:${server.port}:1 s${index}`).join(','),
    HASH: 'md5',
    // The servers are in this process, which has other things to do.
    TIMEOUT: '60s',
  });
  await program.answers('/readyz', 200);
  const open = (): Promise<number> => program!.metric('process_open_fds');
  // The first of them open what stays: connections that all clients share.
  await visit(program, port, servers);
  const before = await open();
  for (let round = 1; round < ROUNDS; round++) {
    await visit(program, port, servers);
    await program.eventually('descriptors come back', async () => (await open()) <= before);
  }
  assert.is(await program.metric('forward_error'), 0);
  assert.is(await program.stop(), 0, program.output);
});

test.run();
