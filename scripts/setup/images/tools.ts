import { aptInstall, aptUpdate } from '../engine/apt.ts';
import { findProgram } from '../engine/facts.ts';
import { SetupError } from '../lib/setup-error.ts';
import { findSystem, isDebianOrUbuntu } from '../engine/system.ts';

/**
 * Makes sure that mmdebstrap, which builds Debian images from packages, is here.
 * Throws SetupError, `refused` on a system where it cannot be.
 */
export async function prepareBootstrap(options: {
  say: (line: string) => void;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const system = findSystem();
  if (!isDebianOrUbuntu(system) || !system.root) {
    throw new SetupError(
      'refused',
      'No registry gave the base images, and building them from packages needs Debian or Ubuntu, and root.',
      [
        'Let the engine reach a registry (a proxy? see https://docs.docker.com/engine/daemon/proxy/),',
        ...(isDebianOrUbuntu(system) ? ['or build them once:', '    sudo make setup'] : ['then try again.']),
      ],
    );
  }
  if (findProgram('mmdebstrap')) return;
  // On Ubuntu, Debian's signing keys do not come by themselves.
  const packages = ['mmdebstrap', ...(system.id === 'ubuntu' ? ['debian-archive-keyring'] : [])];
  options.say(`Installing ${packages.join(' ')}`);
  try {
    await aptInstall(packages, options.signal);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    // Lists that are missing or older than the mirror.
    await aptUpdate(options.signal);
    await aptInstall(packages, options.signal);
  }
}
