/** Killing the sidecar at every step. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rig } from './rig.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Sidecar } from './sidecar.ts';

/**
 * Kill a sidecar before its first, second … step after a change, until it gets through alive.
 * @param change becomes version N + 1 of the document
 * @param left checks what is there after the kill
 * @param healed checks what the next start has come to
 * @param patience how long the application may take to show a version: short where it never will, long where it
 * will, since a busy machine is no reason to roll back
 * @returns how many steps there were
 */
export async function killEverywhere(
  change: string,
  left: (rig: Rig) => void,
  healed: (rig: Rig, version: number) => Promise<void>,
  patience: string,
): Promise<number> {
  const times = { CONFIG_VERIFY_TIMEOUT: patience, CONFIG_NOTIFY_TIMEOUT: patience };
  await using rig = await Rig.open();
  const armed = join(rig.directory, 'armed');
  // A start that makes good what a kill left is also the one that is killed next: it counts steps once it is armed.
  const killedAt = (step: number): Record<string, string> => ({
    ...times,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'crash-hook.ts')}`,
    CRASH_AT: String(step),
    CRASH_ARMED: armed,
  });
  let sidecar = await rig.settled(killedAt(1));
  for (let at = 1; ; at++) {
    const good = String(rig.server.put('app', 'release=1\n'));
    await eventually('release 1 is applied', async () => await through(sidecar, good));
    await rig.serves('release=1\n');
    writeFileSync(armed, '');
    const version = rig.server.put('app', change);
    let gone = false;
    sidecar.child.once('exit', () => (gone = true));
    await eventually('it is killed, or through', async () => gone || (await through(sidecar, String(version))));
    left(rig);
    // Through, and alive: there is no such step.
    if (!gone) {
      await healed(rig, version);
      return at - 1;
    }
    rmSync(armed);
    sidecar = await rig.start(killedAt(at + 1));
    await healed(rig, version);
    await rig.ready(sidecar, 200);
  }
}

/** Whether nothing is left to be done about a version. */
async function through(sidecar: Sidecar, version: string): Promise<boolean> {
  const { verified, unverified, refused } = await sidecar.file();
  if (unverified || (verified?.version !== version && refused?.version !== version)) return false;
  return (await sidecar.metric('config_reports_pending')) === 0;
}
