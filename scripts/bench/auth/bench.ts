/** The auth sidecar beside mod_auth_openidc and oauth2-proxy: a session that is good, one process each, the same origin. */
import { Project } from '../../lib/compose.ts';
import { PEERS, providePeer, versionIn } from '../../lib/go-program.ts';
import { buildImages } from '../../lib/images.ts';
import { setup } from '../../setup/setup.ts';
import { age, agedRatio, ratesOf } from '../aging.ts';
import { compare, median, type Bench, type Measurement } from '../measurement.ts';
import { latencies, memoryMb, wrk } from '../load.ts';

/** By their services' names. */
const URLS = {
  ours: 'http://127.0.0.1:4180/small',
  apache: 'http://127.0.0.1:9180/small',
  'oauth2-proxy': 'http://127.0.0.1:9181/small',
} as const;
const DIRECT = 'http://127.0.0.1:8080/small';
/** Requests a second at which added time is compared. */
const LIGHT_LOAD = 1000;
/** A difference of two medians below this, in milliseconds, is noise and counts as this. */
const RESOLUTION = 0.05;

type Side = keyof typeof URLS;
/** Whom we compare ourselves with. */
type Peer = Exclude<Side, 'ours'>;
type Samples = Record<Side, number[]>;
const fresh = (): Samples => ({ ours: [], apache: [], 'oauth2-proxy': [] });

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const program = await providePeer('oauth2-proxy', progress, { signal });
  if ('missing' in program) progress(`without oauth2-proxy: ${program.missing}`);
  const project = new Project({
    name: 'sidecar-stacks-bench-auth',
    dir: import.meta.dirname,
    env: 'path' in program ? { COMPOSE_PROFILES: 'oauth2-proxy', OAUTH2_PROXY: program.path } : {},
  });
  await project.down();
  try {
    progress('building and starting the pod');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    const query = ['dpkg-query', '--show', '--showformat', '${Version}', 'libapache2-mod-auth-openidc'];
    const peers: [Peer, string][] = [['apache', `mod_auth_openidc ${await project.exec('apache', query)}`]];
    if ('path' in program)
      peers.push(['oauth2-proxy', `oauth2-proxy ${await versionIn('oauth2-proxy', PEERS['oauth2-proxy'])}`]);
    return await measure(peers);
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(peers: readonly (readonly [Peer, string])[]): Promise<Measurement[]> {
    const all: readonly Side[] = ['ours', ...peers.map(([peer]) => peer)];
    const headers: Partial<Record<Side, string[]>> = {};
    for (const side of all) headers[side] = [await login(project, URLS[side])];
    const bearer = [`Authorization: Bearer ${await token(project)}`];
    const rps = fresh();
    const rss = fresh();
    const pss = fresh();
    const added = fresh();
    const jwt: number[] = [];
    const session = (side: Side) => ({ url: URLS[side], headers: headers[side]! });
    for (const side of all) await wrk(project, { ...session(side), seconds: 2 });
    const signedIn = (side: Side): Promise<number> => wrk(project, { ...session(side), seconds });
    const young = await ratesOf(all, signedIn);
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the others.
      const first = (round - 1) % all.length;
      for (const side of [...all.slice(first), ...all.slice(0, first)]) {
        signal.throwIfAborted();
        rps[side].push(await signedIn(side));
        const memory = await memoryMb(project, side);
        rss[side].push(memory.rss);
        pss[side].push(memory.pss);
        const light = { seconds, rate: LIGHT_LOAD };
        const direct = await latencies(project, { url: DIRECT, ...light });
        const through = await latencies(project, { ...session(side), ...light });
        added[side].push(Math.max(RESOLUTION, through.p50 - direct.p50));
        progress(`round ${round} of ${rounds}, ${side}: ${rps[side].at(-1)!.toFixed(0)} requests/s`);
      }
      jwt.push(await wrk(project, { url: URLS.ours, seconds, headers: bearer }));
    }
    for (const side of all) await age(project, { ...session(side), seconds }, URLS[side].replace(/small$/, '64k'));
    const old = await ratesOf(all, signedIn);
    progress(`resident memory before its median: ${median(rss.ours).toFixed(0)} MB`);
    const of = (metric: string, peer: string, better: 'more' | 'less') => ({ bench: 'auth', metric, peer, better });
    return [
      ...peers.flatMap(([peer, name]) => {
        const beside = (each: Samples) => ({ ours: each.ours, theirs: each[peer] });
        return [
          compare(of('session_rps', name, 'more'), beside(rps), { ratio: 1 }),
          compare(of('added_p50_ms', name, 'less'), beside(added), { limit: 0.3 }),
          compare(of('rss_mb', name, 'less'), beside(rss), { limit: 64 }),
          compare(of('pss_mb', name, 'less'), beside(pss), { limit: 64 }),
          agedRatio('auth', [peer, name], 'ours', young, old),
        ];
      }),
      compare(of('jwt_rps', 'our own session', 'more'), { ours: jwt, theirs: rps.ours }, { ratio: 0.7 }),
    ];
  }
};

/** Log in, as a browser would. @returns the Cookie field's line */
async function login(project: Project, url: string): Promise<string> {
  const jar = await project.exec('apache', [
    'bash',
    '-c',
    'rm -f /tmp/jar; curl -sfL -H "Accept: text/html" -c /tmp/jar -b /tmp/jar -o /dev/null "$1" && cat /tmp/jar',
    'login',
    url,
  ]);
  const cookies = jar
    .split('\n')
    .filter((line) => line !== '' && (!line.startsWith('#') || line.startsWith('#HttpOnly_')))
    .map((line) => line.split('\t'))
    .map((fields) => `${fields[5]}=${fields[6]}`);
  if (cookies.length === 0) throw new Error(`no cookie after a login at ${url}: ${jar}`);
  return `Cookie: ${cookies.join('; ')}`;
}

async function token(project: Project): Promise<string> {
  const answer = await project.exec('apache', [
    'curl',
    '-sf',
    '-d',
    '{"sign":[{"sub":"robot","exp":4102444800}]}',
    'http://127.0.0.1:9000/order',
  ]);
  return (JSON.parse(answer) as { tokens: [string] }).tokens[0];
}
