/** The auth sidecar beside Apache with mod_auth_openidc: a session that is good, one process each, the same origin. */
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { setup } from '../../setup/setup.ts';
import { compare, median, type Bench, type Measurement } from '../measurement.ts';
import { latencies, residentMb, wrk } from '../load.ts';

const URLS = { ours: 'http://127.0.0.1:4180/small', theirs: 'http://127.0.0.1:9180/small' } as const;
const DIRECT = 'http://127.0.0.1:8080/small';
/** Requests a second at which added time is compared. */
const LIGHT_LOAD = 1000;
/** A difference of two medians below this, in milliseconds, is noise and counts as this. */
const RESOLUTION = 0.05;

type Side = keyof typeof URLS;
type Samples = Record<Side, number[]>;
const fresh = (): Samples => ({ ours: [], theirs: [] });

export const bench: Bench = async ({ rounds, seconds, signal, progress }) => {
  await setup({ say: progress, signal });
  const project = new Project({ name: 'sidecar-stacks-bench-auth', dir: import.meta.dirname });
  await project.down();
  try {
    progress('building and starting the pod');
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    return await measure();
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function measure(): Promise<Measurement[]> {
    const headers = { ours: [await login(project, URLS.ours)], theirs: [await login(project, URLS.theirs)] };
    const bearer = [`Authorization: Bearer ${await token(project)}`];
    const rps = fresh();
    const rss = fresh();
    const added = fresh();
    const jwt: Samples = fresh();
    for (const side of ['ours', 'theirs'] as const)
      await wrk(project, { url: URLS[side], seconds: 2, headers: headers[side] });
    for (let round = 1; round <= rounds; round++) {
      // Each side is first as often as the other.
      for (const side of (round % 2 === 1 ? ['ours', 'theirs'] : ['theirs', 'ours']) as Side[]) {
        signal.throwIfAborted();
        rps[side].push(await wrk(project, { url: URLS[side], seconds, headers: headers[side] }));
        rss[side].push(await residentMb(project, side));
        const light = { seconds, rate: LIGHT_LOAD };
        const direct = await latencies(project, { url: DIRECT, ...light });
        const through = await latencies(project, { url: URLS[side], ...light, headers: headers[side] });
        added[side].push(Math.max(RESOLUTION, through.p50 - direct.p50));
        progress(`round ${round} of ${rounds}, ${side}: ${rps[side].at(-1)!.toFixed(0)} requests/s`);
      }
      jwt.ours.push(await wrk(project, { url: URLS.ours, seconds, headers: bearer }));
      jwt.theirs.push(rps.ours.at(-1)!);
    }
    const peer = 'mod_auth_openidc';
    const of = (metric: string, better: 'more' | 'less', beside = peer) => ({
      bench: 'auth',
      metric,
      peer: beside,
      better,
    });
    progress(`resident memory before its median: ${median(rss.ours).toFixed(0)} MB`);
    return [
      compare(of('session_rps', 'more'), rps, { ratio: 1 }),
      compare(of('jwt_rps', 'more', 'our own session'), jwt, { ratio: 0.7 }),
      compare(of('added_p50_ms', 'less'), added, { limit: 0.3 }),
      compare(of('rss_mb', 'less'), rss, { limit: 64 }),
    ];
  }
};

/** Log in, as a browser would. @returns the Cookie field's line */
async function login(project: Project, url: string): Promise<string> {
  const jar = await project.exec('theirs', [
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
  const answer = await project.exec('theirs', [
    'curl',
    '-sf',
    '-d',
    '{"sign":[{"sub":"robot","exp":4102444800}]}',
    'http://127.0.0.1:9000/order',
  ]);
  return (JSON.parse(answer) as { tokens: [string] }).tokens[0];
}
