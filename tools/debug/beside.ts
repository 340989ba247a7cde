/** A container of tools beside one that runs: what docker is told. */
import { CAPABILITIES } from './ephemeral.ts';

/** The parts of `docker inspect` that are looked at. */
export interface Joined {
  readonly Id: string;
  readonly HostConfig: { readonly NetworkMode: string; readonly PidMode: string };
}

/**
 * Arguments of docker that run a command in the namespaces, and with the volumes, of a container.
 * @param command empty for a shell
 * @param terminal whether somebody types
 */
export function besideArguments(
  { Id, HostConfig }: Joined,
  image: string,
  command: readonly string[],
  terminal: boolean,
): string[] {
  // Who shares a namespace leads to its owner: the engine joins no container that joined another.
  const owner = (mode: string): string => (mode === 'host' || mode.startsWith('container:') ? mode : `container:${Id}`);
  return [
    'run',
    '--rm',
    ...(command.length > 0 ? [] : ['--interactive']),
    ...(terminal ? ['--tty'] : []),
    '--label=dev.sidecar-stacks.stack=debug',
    `--network=${owner(HostConfig.NetworkMode)}`,
    `--pid=${owner(HostConfig.PidMode)}`,
    `--volumes-from=${Id}`,
    '--cap-drop=ALL',
    ...CAPABILITIES.map((each) => `--cap-add=${each}`),
    '--security-opt=no-new-privileges',
    image,
    ...(command.length > 0 ? command : ['bash']),
  ];
}
