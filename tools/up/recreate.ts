/** A container is made anew by compose, with the one that it joined where that is gone. */
import { runCommand } from '#kit/process/command.ts';
import type { CommandContext } from '../command/command.ts';
import type { Inspected, Step } from './heal.ts';

/** Compose on one project, with all of its files. */
export type Ask = (...args: string[]) => Promise<string>;

/** For what pulls or starts something, in milliseconds. */
const UP = 300_000;
const MAX_OUTPUT = 32 * 1024 * 1024;

/** Make a service's container anew; services that it depends on stay as they are. @throws what `ask` does */
export async function recreate(ask: Ask, service: string): Promise<void> {
  const { services = {} } = JSON.parse(await ask('--profile', '*', 'config', '--format', 'json')) as {
    services?: Readonly<Record<string, { readonly network_mode?: string }>>;
  };
  const owner = /^service:(.+)$/.exec(services[service]?.network_mode ?? '')?.[1];
  if (owner !== undefined && (await ask('ps', '--all', '--quiet', owner)).trim() === '')
    await ask('up', '--detach', '--no-deps', owner);
  await ask('up', '--detach', '--no-deps', '--force-recreate', service);
}

/**
 * The same by the files that the container was made of, wherever they are. They may have changed since, or need an
 * environment that is not here: then it would become another one.
 * @throws {Error} where what compose would make is not what was there
 */
export async function recreateByLabels(
  { service, project, container }: Step,
  env: CommandContext['environment'],
): Promise<void> {
  const { Labels } = container.Config;
  const of = (name: string): string => Labels?.[`com.docker.compose.${name}`] ?? '';
  const list = (name: string): string[] =>
    of(name)
      .split(',')
      .filter((each) => each !== '');
  const files = list('project.config_files');
  if (files.length === 0) throw new Error('nothing says where its files are');
  const compose = [
    'docker',
    'compose',
    `--project-name=${project}`,
    `--project-directory=${of('project.working_dir')}`,
    ...files.flatMap((file) => ['--file', file]),
    ...list('project.environment_file').flatMap((file) => ['--env-file', file]),
  ];
  const options = { env, timeout: UP, maxOutput: MAX_OUTPUT };
  const input = JSON.stringify({ services: { [service]: joined(container) } });
  const asked = await runCommand([...compose, '--file', '-', '--profile', '*', 'config', '--hash', service], {
    ...options,
    input,
  });
  const unset = /The \W*(\w+)\W* variable is not set/.exec(asked.stderr)?.[1];
  if (unset !== undefined) throw new Error(`its files need the variable ${unset}, which is not set here`);
  if (asked.stdout.trim().split(' ')[1] !== of('config-hash'))
    throw new Error('its configuration is not what it was made by');
  await recreate(async (...args) => (await runCommand([...compose, ...args], options)).stdout, service);
}

/** What a container joined, as it stands in the configuration that compose has hashed. */
function joined({ HostConfig: { NetworkMode, PidMode, IpcMode } }: Inspected): Record<string, string> {
  const modes = { network_mode: NetworkMode, pid: PidMode, ipc: IpcMode };
  return Object.fromEntries(
    Object.entries(modes).filter((entry): entry is [string, string] => entry[1]?.startsWith('container:') === true),
  );
}
