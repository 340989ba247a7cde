/**
 * Two ways to find out where a redirected connection was meant to go, by turns, in a network namespace of its own:
 *
 *     sudo unshare --net node --experimental-ffi sidecars/mesh-proxy/src/destination/testing/compare.ts [CONNECTIONS] [ROUNDS]
 *
 * `original`: REDIRECT writes the proxy's address over the destination, and SO_ORIGINAL_DST tells the one before.
 * `anyip`: a local route makes every address of a range this machine's own, DNAT changes the port alone, and the
 * socket's own address is the destination's.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { fromKernel, localOf, type OriginalDestination } from '../original.ts';

const RANGE = '10.96.0.0/16';
const PORT = 15_001;
const AT_A_TIME = 8;

const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'inherit' });
const ip = (text: string): void => run('ip', ...text.split(' '));
const redirectBy = (target: string): void =>
  run('iptables', ...`-t nat -A OUTPUT -d ${RANGE} -p tcp --dport 8080 -j ${target}`.split(' '));
const redirectNoMore = (): void => run('iptables', '-t', 'nat', '-F', 'OUTPUT');

interface Way {
  readonly find: OriginalDestination;
  readonly set: () => void;
  readonly undo: () => void;
}

const WAYS: Readonly<Record<string, Way>> = {
  original: {
    find: fromKernel(),
    set: () => redirectBy(`REDIRECT --to-ports ${PORT}`),
    undo: redirectNoMore,
  },
  anyip: {
    find: localOf,
    set: () => {
      ip(`route add local ${RANGE} dev lo`);
      redirectBy(`DNAT --to-destination :${PORT}`);
    },
    undo: () => {
      redirectNoMore();
      ip(`route del local ${RANGE} dev lo`);
    },
  },
};

/** It changes routes and rules: only where there are none of anybody else. */
function enterEmptyNamespace(): void {
  const names = readFileSync('/proc/net/dev', 'utf8').match(/^ *\w+(?=:)/gm) ?? [];
  if (names.some((name) => name.trim() !== 'lo')) throw new Error('this is no empty network namespace: unshare --net');
  ip('link set lo up');
  ip('link add away type veth peer name nowhere');
  ip('link set nowhere up');
  ip('addr add 10.1.0.1/24 dev away');
  ip('link set away up');
  ip('route add default dev away');
}

/** Make connections. @returns µs of CPU for each, both ends, and how long finding took */
async function measure(find: OriginalDestination, count: number): Promise<Record<string, string | number>> {
  const times: number[] = [];
  let found = '';
  const server = createServer((socket: Socket) => {
    const before = process.hrtime.bigint();
    const { address, port } = find(socket);
    times.push(Number(process.hrtime.bigint() - before) / 1000);
    found = `${address}:${port}`;
    socket.on('error', () => {}).end();
    socket.resume();
  }).listen(PORT, '0.0.0.0');
  await once(server, 'listening');
  const one = async (number: number): Promise<void> => {
    const socket = connect(8080, `10.96.0.${1 + (number % 250)}`).resume();
    await once(socket, 'close');
  };
  const cpu = process.cpuUsage();
  for (let done = 0; done < count; done += AT_A_TIME)
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, index) => one(done + index)));
  const { user, system } = process.cpuUsage(cpu);
  server.close();
  await once(server, 'close');
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => sorted[Math.floor(sorted.length * share)]!.toFixed(1);
  return { 'CPU µs': Math.round((user + system) / count), 'median µs': at(0.5), 'p99 µs': at(0.99), found };
}

const [count = 4000, rounds = 3] = process.argv.slice(2).map(Number);
enterEmptyNamespace();
const rows: Record<string, string | number>[] = [];
// The first round warms up.
for (let round = 0; round <= rounds; round++)
  for (const [way, { find, set, undo }] of Object.entries(WAYS)) {
    set();
    try {
      const row = await measure(find, count);
      if (round > 0) rows.push({ way, ...row });
    } finally {
      undo();
    }
  }
console.table(rows);
