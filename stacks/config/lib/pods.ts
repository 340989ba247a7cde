/** The stack's pods, as the checks speak of them. */
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { fileStatus, type FileStatus } from './inside.ts';
import { ConfigServer } from '../../../scripts/lib/config-server.ts';
import { Etcd, type Truth } from './truth.ts';

export type Must = Scenario['must'];

export interface Pod {
  /** Service of the application. */
  readonly app: string;
  readonly sidecar: string;
  /** The document, and the file that it becomes. */
  readonly key: string;
  readonly path: string;
  /** Its published port, by the part of its variable after PUBLISH_. */
  readonly port: string;
  /** The page that shows the release. */
  readonly page: string;
  /** What its sidecar watches. */
  readonly truth: (stage: Stage) => Truth | Promise<Truth>;
}

let token: string | undefined;

/** The config server, with the operator's token. */
export async function serverOf({ project, port }: Stage): Promise<ConfigServer> {
  token ??= await tokenOf({ project }, 'operator');
  return new ConfigServer(`http://127.0.0.1:${port('CONFIG')}`, token);
}

/** The token of a name, from the server's list. */
export async function tokenOf({ project }: Pick<Stage, 'project'>, name: string): Promise<string> {
  const list = await project.exec('config-server', ['cat', '/tokens/tokens']);
  return new RegExp(`^${name} \\S+ (\\S+)$`, 'm').exec(list)![1]!;
}

export const etcdOf = ({ port }: Stage): Etcd => new Etcd(`http://127.0.0.1:${port('ETCD')}`);

export const BOARD: Pod = {
  app: 'board',
  sidecar: 'board-config',
  key: 'board.ini',
  path: '/etc/board/board.ini',
  port: 'BOARD',
  page: '/',
  truth: serverOf,
};
export const KIOSK: Pod = {
  ...BOARD,
  app: 'kiosk',
  sidecar: 'kiosk-config',
  key: 'kiosk.ini',
  port: 'KIOSK',
  truth: etcdOf,
};
export const RATES: Pod = {
  app: 'rates',
  sidecar: 'rates-config',
  key: 'rates.yaml',
  path: '/etc/rates/rates.yaml',
  port: 'RATES',
  page: '/',
  truth: serverOf,
};
export const WEB: Pod = {
  app: 'web',
  sidecar: 'web-config',
  key: 'nginx.conf',
  path: '/etc/nginx/live/nginx.conf',
  port: 'WEB',
  page: '/release',
  truth: serverOf,
};

/** What a client gets from an application, on a connection of its own. */
export async function pageOf({ port }: Stage, pod: Pod, path = pod.page): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port(pod.port)}${path}`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(5000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${pod.app} answers ${answer.status}: ${text.trim()}`);
  return text;
}

/** The release that a client gets from an application. */
export async function releaseOf(stage: Stage, pod: Pod): Promise<number> {
  const page = await pageOf(stage, pod);
  const release = /^release(?: =|:)? (\d+)$/m.exec(page)?.[1];
  if (release === undefined) throw new Error(`${pod.app} shows no release: ${page}`);
  return Number(release);
}

/** Wait until an application serves a release. */
export const served = (stage: Stage, pod: Pod, release: number, within = 60_000): Promise<unknown> =>
  eventually(`${pod.app} serves release ${release}`, async () => (await releaseOf(stage, pod)) === release, {
    within,
    every: 20,
  });

/** How often the board has read its file again, and since when it runs. */
export async function boardLife(stage: Stage, pod: Pod): Promise<{ reloads: number; started: string }> {
  const page = await pageOf(stage, pod, '/status');
  return {
    reloads: Number(/^reloads: (\d+)$/m.exec(page)![1]),
    started: /^started: (.*)$/m.exec(page)![1]!,
  };
}

/** Wait until a sidecar has settled what a version is: taken, or refused. */
export const settled = (
  { project }: Stage,
  { sidecar, key }: Pod,
  version: string,
  within = 60_000,
): Promise<FileStatus> =>
  eventually(
    `${sidecar} has settled version ${version} of ${key}`,
    async () => {
      const status = await fileStatus(project, sidecar, key);
      const done = [status.verified, status.refused].some((each) => each?.version === version);
      return done && status.problem === null && status;
    },
    { within },
  );

let latest = 0;

/** A release that no document of this run has had. */
export const nextRelease = (): number => (latest += 1);

/** Begin after the releases that are served now. */
export async function countReleases(stage: Stage): Promise<void> {
  const answering = [BOARD, RATES, WEB, KIOSK].map((pod) =>
    eventually(`${pod.app} answers`, () => releaseOf(stage, pod)),
  );
  latest = Math.max(...(await Promise.all(answering)));
}
