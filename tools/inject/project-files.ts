/** Secrets, configs and files of a project in a sidecar's container. */
import { OWN_IMAGE } from './images.ts';
import type { Joining } from './ports.ts';
import type { ProjectFile } from './request.ts';

type Entry = Record<string, unknown>;

/** Where a parameter finds its file. */
export function pathOf(parameter: string, file: ProjectFile): string {
  if ('secret' in file) return `/run/secrets/${file.secret}`;
  if ('config' in file) return `/run/configs/${file.config}`;
  return `/run/files/${parameter}`;
}

/**
 * What a sidecar's service needs for its files. A secret of a file keeps the file's owner and mode in the container,
 * so an init container copies it into a volume that the sidecar's user alone can read.
 * @param name of the sidecar's service
 */
export function givenFiles(
  name: string,
  { injection, carried }: Joining,
): { service: Entry; volumes: string[]; init: Record<string, Entry>; named: Record<string, null> } {
  const files = Object.entries(injection.files ?? {});
  const configs = [...new Set(files.flatMap(([, file]) => ('config' in file ? [file.config] : [])))];
  const secrets = [...new Set(files.flatMap(([, file]) => ('secret' in file ? [file.secret] : [])))];
  const mounts = files.flatMap(([parameter, file]) =>
    'mount' in file ? [`${file.mount}:${pathOf(parameter, file)}:ro`] : [],
  );
  const service: Entry =
    configs.length === 0 ? {} : { configs: configs.map((source) => ({ source, target: `/run/configs/${source}` })) };
  if (secrets.length === 0) return { service, volumes: mounts, init: {}, named: {} };
  const copies = `${name}-secrets`;
  const [user = '65532', group = user] = carried.contract.user.split(':');
  const paths = secrets.map((each) => `/run/secrets/${each}`);
  const init = {
    ...OWN_IMAGE,
    entrypoint: ['install', '-o', user, '-g', group, '-m', '0400', ...paths, '/copies/'],
    user: '0:0',
    network_mode: 'none',
    read_only: true,
    cap_drop: ['ALL'],
    cap_add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: '32m',
    pids_limit: 16,
    healthcheck: { disable: true },
    secrets,
    volumes: [`${copies}:/copies`],
    labels: { 'dev.sidecar-stacks.role': 'init', 'dev.sidecar-stacks.app': injection.into },
  };
  return {
    service,
    volumes: [...mounts, `${copies}:/run/secrets:ro`],
    init: { [copies]: init },
    named: { [copies]: null },
  };
}
