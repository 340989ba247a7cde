/** An origin that config-sync must take nothing from: each answer is too large, broken, slow, or no document. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Random } from '../random.ts';
import type { Attack } from '../suite.ts';

const PORT = 8080;
const ALIASES = `a: &a [${'x,'.repeat(9)}x]\n${'bcdefghij'
  .split('')
  .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[at]}`).join(',')}]\n`)
  .join('')}`;

const DOCUMENTS: readonly ((random: Random) => string)[] = [
  () => ALIASES,
  () => 'a: &a [*a]\n',
  () => '['.repeat(200_000),
  () => `{"a":`.repeat(50_000),
  () => '{"release":"none"}',
  () => `{"release":1${'0'.repeat(300_000)}.5}`,
  () => '{"__proto__":{"release":1}}',
  () => `${'- '.repeat(100_000)}\n`,
  (random) => random.bytes(random.below(5000)).toString('latin1'),
];

/** Serve such answers until the signal. */
export const origin: Attack = async ({ random, signal }) => {
  let version = 0;
  const server = createServer((request, response) => {
    response.on('error', () => {});
    request.on('error', () => {}).resume();
    if (request.url!.startsWith('/v1/watch')) void watch(random, response);
    else document(random, response, ++version);
  });
  server.listen(PORT, '0.0.0.0');
  await once(server, 'listening');
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  server.closeAllConnections();
};

function document(random: Random, response: ServerResponse, version: number): void {
  const content = random.pick(DOCUMENTS)(random);
  const digest = createHash('sha256').update(content).digest('hex');
  const kind = random.below(5);
  response.setHeader('etag', `"${version}"`);
  response.setHeader('x-config-version', version);
  response.setHeader('x-config-revision', random.pick([version, -1, 1e300]));
  response.setHeader('x-config-digest', kind === 0 ? '0'.repeat(64) : `sha256:${digest}`);
  // Valid, and yet not what its digest says, or cut.
  if (kind === 0) response.end(`{"release":${version}}`);
  else if (kind === 1) {
    response.setHeader('content-length', 1000);
    response.write('{"release":1}', () => response.destroy());
  } else if (kind === 2) void forever(response, 'x'.repeat(65_536));
  else response.end(content);
}

/** Events without an end, of versions that are none. */
async function watch(random: Random, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'text/event-stream');
  const data = (): string =>
    JSON.stringify({
      key: random.pick(['bad.json', 'bad.yaml', '__proto__']),
      version: random.below(1e6),
      revision: 1,
    });
  await forever(response, random.pick(['event: change\ndata: ', `event: change\ndata: ${data()}\n\n`, '\n', 'x']));
}

async function forever(response: ServerResponse, piece: string): Promise<void> {
  while (!response.destroyed) {
    if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')]).catch(() => {});
    else await new Promise(setImmediate);
  }
}
