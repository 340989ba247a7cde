/** All traffic is intercepted, both ways, and between pods there is only TLS 1.3. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { passwordOf } from '../lib/database.ts';
import { applyPolicy, unchanged } from '../lib/policy.ts';
import { ENVOYS, samples } from '../lib/proxies.ts';
import { call, echoOf, REPLICAS, type Call } from '../lib/workload.ts';
import { listenWhile } from '../wire/capture.ts';
import type { Stream } from '../wire/pcap.ts';
import { chosenBy, notTls } from '../wire/tls.ts';

const SECRET = 'a-word-that-must-not-be-read';
const CALLS: readonly Call[] = [
  { protocol: 'http/1.0', host: 'echo', port: 8080, path: `/?${SECRET}` },
  { protocol: 'http/1.1', host: 'echo', port: 8080, headers: { 'x-secret': SECRET } },
  { protocol: 'http/2', host: 'echo', port: 8082, headers: { 'x-secret': SECRET } },
  { protocol: 'grpc', host: 'echo', port: 9090, headers: { 'x-secret': SECRET } },
  { protocol: 'websocket', host: 'echo', port: 8080, headers: { 'x-secret': SECRET } },
  { protocol: 'server-first', host: 'echo', port: 7000 },
];

/** What PostgreSQL's protocol has in the clear: who connects, and what is asked. */
const SQL = ['user\0shop', 'SELECT 6 * 7'];

/** Streams between pods of the mesh, with the addresses of the pods. */
async function betweenPods(project: Project, streams: readonly Stream[], pods: readonly string[]): Promise<Stream[]> {
  const addresses = new Set(
    await Promise.all(
      pods.map(async (pod) => {
        const { NetworkSettings } = await project.inspect(pod);
        return Object.values(NetworkSettings.Networks)[0]!.IPAddress;
      }),
    ),
  );
  return streams.filter(({ from, to }) => addresses.has(hostOf(from)) && addresses.has(hostOf(to)));
}

const hostOf = (end: string): string => end.slice(0, end.lastIndexOf(':'));

/** Every stream is TLS from its first byte; the answers say 1.3; how many connections there were. */
function checkTls(streams: readonly Stream[]): number {
  const spoken = streams.filter(({ bytes, whole }) => whole && bytes.length > 0);
  // On a busy machine a capture misses a packet now and then: of such a connection one side alone is there.
  const both = spoken.filter(({ from, to }) => spoken.some((other) => other.from === to && other.to === from));
  assert.ok(both.length > 0, 'there was traffic');
  let servers = 0;
  for (const stream of spoken) {
    const { from, to, bytes } = stream;
    assert.is(notTls(bytes), undefined, `${from} to ${to}`);
    assert.not(bytes.includes(SECRET));
    const chosen = chosenBy(bytes);
    if (chosen === undefined) continue;
    assert.is(chosen.version, 'TLS 1.3', `${from} to ${to}`);
    if (both.includes(stream)) servers++;
  }
  assert.is(servers * 2, both.length, 'of each connection one side chose the version');
  return servers;
}

export function wireObligations({ must }: Scenario): void {
  must(
    'carry nothing but TLS 1.3 between pods',
    {
      say: 'tcpdump listens at the pods while HTTP/1.0, 1.1, 2, gRPC, WebSocket, a server that speaks first, and PostgreSQL go through: only TLS 1.3 is to be seen.',
      within: 180_000,
    },
    async (stage) => {
      const { project, say } = stage;
      await applyPolicy(project, { echo: unchanged, database: unchanged });
      const password = await passwordOf(project);
      const calls: Call[] = [...CALLS, { protocol: 'postgres', host: 'database', port: 5432, password }];
      const echoPods = REPLICAS.map((replica) => `${replica}-pod`);
      const atClient = await listenWhile(stage, 'client-pod', async () => {
        const outcomes = await call(project, 'client', calls);
        for (const [index, outcome] of outcomes.entries())
          assert.ok(outcome.ok, `${calls[index]!.protocol}: ${JSON.stringify(outcome)}`);
      });
      const echo = checkTls(await betweenPods(project, atClient, ['client-pod', ...echoPods]));
      const toDatabase = await betweenPods(project, atClient, ['client-pod', 'database-pod']);
      const sql = checkTls(toDatabase);
      for (const { bytes } of toDatabase) for (const word of SQL) assert.not(bytes.includes(word), word);
      say(`${echo} connections to echo, ${sql} to PostgreSQL: TLS 1.3 each, and not a word to be read`);
    },
  );

  must(
    'exchange keys between proxies by X25519MLKEM768',
    {
      say: 'What is recorded today is of no use to a quantum computer later: keys are exchanged by X25519 and ML-KEM-768 together.',
      within: 180_000,
    },
    async (stage) => {
      const { project } = stage;
      await applyPolicy(project, { echo: unchanged });
      // A connection of its own for each, and so a handshake.
      const calls = Array.from({ length: 5 }, (): Call => ({ protocol: 'server-first', host: 'echo', port: 7000 }));
      const streams = await listenWhile(stage, 'client-pod', async () => {
        for (const outcome of await call(project, 'client', calls)) assert.ok(outcome.ok, JSON.stringify(outcome));
      });
      const pods = ['client-pod', ...REPLICAS.map((replica) => `${replica}-pod`)];
      const groups = (await betweenPods(project, streams, pods)).flatMap(({ bytes, whole }) =>
        whole ? (chosenBy(bytes)?.group ?? []) : [],
      );
      assert.ok(groups.length > 0, 'there was a handshake');
      assert.equal([...new Set(groups)], ['X25519MLKEM768']);
      // What an Envoy counts has names of its own.
      if (ENVOYS.includes('client')) return;
      const told = await samples(project, 'client', 'mesh_tls_handshakes_total');
      assert.equal([...new Set(told.map(({ labels }) => labels['group']))], ['X25519MLKEM768']);
    },
  );
}

/** It stops proxies: what else goes through them would be disturbed. */
export function bypassObligations({ must }: Scenario): void {
  must(
    'let nothing pass around the proxies, in either direction',
    {
      say: 'Without its proxy a pod neither calls nor is called: nothing goes around it.',
      within: 180_000,
    },
    async ({ project }) => {
      await applyPolicy(project, { echo: unchanged, database: unchanged });
      const request: Call = { protocol: 'http/1.1', host: 'echo', port: 8080, timeoutMs: 10_000 };
      const [through] = await call(project, 'client', [request]);
      const { peer } = echoOf(through!);
      const client = await project.inspect('client-pod');
      const address = Object.values(client.NetworkSettings.Networks)[0]!.IPAddress;
      assert.not(peer.includes(address), `the echo server was called by ${peer}, not by the client's pod`);

      const password = await passwordOf(project);
      const sql: Call = { protocol: 'postgres', host: 'database', port: 5432, password, timeoutMs: 10_000 };
      for (const proxy of ['client-proxy', 'database-proxy']) {
        await project.stop(proxy);
        const [outcome] = await call(project, 'client', [sql]);
        assert.not(outcome!.ok, `without ${proxy}`);
        await project.start(proxy);
        await eventually('it answers again', async () => (await call(project, 'client', [sql]))[0]!.ok, {
          within: 60_000,
        });
      }
    },
  );
}
