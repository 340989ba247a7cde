/** A git server that git-sync must publish nothing of: each answer is endless, broken, slow, or leads elsewhere. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Random } from '../random.ts';
import type { Attack } from '../suite.ts';

const PORT = 8080;
const HASH = 'a'.repeat(40);

/** A packet with its length in front. Source: gitprotocol-common(5). */
const packet = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const FLUSH = '0000';
const SERVICE = `${packet('# service=git-upload-pack\n')}${FLUSH}`;
const CAPABILITIES = 'multi_ack_detailed side-band-64k ofs-delta shallow symref=HEAD:refs/heads/main agent=git/2';
const REFS = `${packet(`${HASH} HEAD\0${CAPABILITIES}\n`)}${packet(`${HASH} refs/heads/main\n`)}${FLUSH}`;

/** Where no redirect may lead. */
const ELSEWHERE = [
  'file:///etc',
  'ssh://-oProxyCommand=touch%20/git/current/x',
  'ftp://hostile/',
  '/repository.git',
  'ext::sh',
];

/** What refs are said to be: gitprotocol-http(5) and gitprotocol-pack(5), and not quite. */
const ADVERTISEMENTS: readonly ((random: Random) => string)[] = [
  () => SERVICE + REFS,
  () => `${SERVICE}${packet(`${HASH} refs/heads/../../../git/current\0${CAPABILITIES}\n`)}${FLUSH}`,
  () => `${SERVICE}${packet(`${HASH} refs/heads/main\0symref=HEAD:--upload-pack=x\n`)}${FLUSH}`,
  () => `${SERVICE}ffff${'x'.repeat(100)}`,
  () => `${SERVICE}zzzz`,
  () => `${packet('version 2\n')}${packet('fetch=shallow\n')}${packet('object-format=none\n')}${FLUSH}`,
  () => '',
  (random) => random.bytes(random.below(5000)).toString('latin1'),
];

/** What a pack is said to hold. Source: gitformat-pack(5). */
const PACKS: readonly ((random: Random) => string)[] = [
  () => `${packet('NAK\n')}${packet('\x01PACK\0\0\0\x02\xff\xff\xff\xff')}${FLUSH}`,
  () => `${packet('NAK\n')}${packet(`\x02${'remote: '.repeat(5000)}\n`)}${FLUSH}`,
  () => `${packet('NAK\n')}${packet('\x03fatal: \x1b]0;pwned\x07\n')}${FLUSH}`,
  (random) =>
    `${packet('NAK\n')}${packet(`\x01PACK\0\0\0\x02\0\0\0\x01${random.bytes(1000).toString('latin1')}`)}${FLUSH}`,
];

/** Serve such answers until the signal. */
export const server: Attack = async ({ random, signal }) => {
  const serving = createServer((request, response) => {
    request.on('error', () => {}).resume();
    response.on('error', () => {});
    const isRefs = request.url!.includes('/info/refs');
    const type = isRefs ? 'advertisement' : 'result';
    const kind = random.below(6);
    if (kind === 0) return void response.writeHead(302, { location: random.pick(ELSEWHERE) }).end();
    response.setHeader('content-type', `application/x-git-upload-pack-${type}`);
    if (kind === 1) return forever(response, isRefs ? SERVICE : packet('NAK\n'), packet(`\x02${'x'.repeat(900)}\n`));
    if (kind === 2) return void response.write(SERVICE, () => response.destroy());
    // Nothing more comes.
    if (kind === 3) return void response.write('0');
    response.end(random.pick(isRefs ? ADVERTISEMENTS : PACKS)(random), 'latin1');
  });
  serving.listen(PORT, '0.0.0.0');
  await once(serving, 'listening');
  if (!signal.aborted) await once(signal, 'abort');
  serving.close();
  serving.closeAllConnections();
};

/** The same again and again, as fast as it is taken. */
function forever(response: ServerResponse, first: string, piece: string): void {
  response.write(first, 'latin1');
  const more = (): void => {
    while (!response.destroyed && response.write(piece, 'latin1'));
  };
  response.on('drain', more);
  more();
}
