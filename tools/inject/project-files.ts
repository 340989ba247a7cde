/** Secrets, configs and files of a project in a sidecar's container. */
import type { Service } from '../compose/project.ts';
import { entries, get, text } from '../yaml/tree.ts';
import { OWN_IMAGE } from './images.ts';
import type { Joining } from './ports.ts';
import type { ProjectFile } from './request.ts';

type Entry = Record<string, unknown>;
const COMPLETED = { condition: 'service_completed_successfully' };

/** Where a parameter finds its file. */
export function pathOf(parameter: string, file: ProjectFile): string {
  if ('mount' in file) return [mountPoint(parameter), file.inside ?? []].flat().join('/');
  return `/run/secrets/${'secret' in file ? file.secret : file.config}`;
}

/** What is behind a sidecar's name in that of the init container which copies its secrets. */
export const COPIES = '-secrets';

const mountPoint = (parameter: string): string => `/run/files/${parameter}`;

/** What a sidecar's service gets besides what every sidecar gets. */
export interface Extras {
  readonly environment?: Record<string, string>;
  readonly volumes: readonly string[];
  /** Services that it waits for until they end, or until they are healthy where they stay; by name. */
  readonly init: Record<string, Entry>;
  /** Other services that it waits for. */
  readonly waits?: Entry;
  /** Volumes of the project. */
  readonly named: Record<string, null>;
}

/**
 * What a sidecar's service needs for its files. A secret keeps the owner and mode of its file in the container, and
 * compose cannot put a text into a read-only one: so an init container copies secrets and configs into a volume, for
 * the sidecar's user alone.
 * @param name of the sidecar's service
 * @param service the application's
 */
export function givenFiles(name: string, { injection, bundled }: Joining, { tree }: Service): Extras {
  const files = Object.entries(injection.files ?? {});
  // What fills a volume ends before the application, and so before its sidecars.
  const fillers = entries(get(tree, 'depends_on')).filter(
    ([, requested]) => text(get(requested, 'condition')) === COMPLETED.condition,
  );
  const filled = files.some(([, file]) => 'mount' in file && !/^[.~/]/.test(file.mount));
  const waits = filled && { waits: Object.fromEntries(fillers.map(([other]) => [other, COMPLETED])) };
  const secrets = [...new Set(files.flatMap(([, file]) => ('secret' in file ? [file.secret] : [])))];
  const configs = [...new Set(files.flatMap(([, file]) => ('config' in file ? [file.config] : [])))];
  const mounts = files.flatMap(([parameter, file]) =>
    'mount' in file ? [`${file.mount}:${mountPoint(parameter)}:ro`] : [],
  );
  if (secrets.length + configs.length === 0) return { volumes: mounts, init: {}, named: {}, ...waits };
  const copies = `${name}${COPIES}`;
  const [user = '65532', group = user] = (injection.user ?? bundled.contract.user).split(':');
  const paths = [...secrets.map((each) => `/run/secrets/${each}`), ...configs.map((each) => `/run/configs/${each}`)];
  const init = {
    ...OWN_IMAGE,
    entrypoint: ['install', '-o', user, '-g', group, '-m', '0400', ...paths, '/copies/'],
    user: '0:0',
    network_mode: 'none',
    cap_drop: ['ALL'],
    cap_add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: '32m',
    pids_limit: 16,
    healthcheck: { disable: true },
    ...(secrets.length > 0 && { secrets }),
    ...(configs.length > 0 && { configs: configs.map((source) => ({ source, target: `/run/configs/${source}` })) }),
    volumes: [`${copies}:/copies`],
    labels: { 'dev.sidecar-stacks.role': 'init', 'dev.sidecar-stacks.app': injection.into },
  };
  return {
    volumes: [...mounts, `${copies}:/run/secrets:ro`],
    init: { [copies]: init },
    named: { [copies]: null },
    ...waits,
  };
}
