/**
 * Which clone of this project an engine's default names belong to. Compose files name images
 * `sidecar-stacks/NAME:dev` and projects `sidecar-stacks-STACK`; two clones that use one engine would
 * build over each other's images and remove each other's demo. So the first clone takes the plain
 * names, noted in the engine as a volume's label, and every other one gets names of its own.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { docker, EngineError } from './engine.ts';
import { STACK_LABEL } from './labels.ts';
import { ROOT } from './stacks.ts';

export interface Clone {
  /** Tag of the images that this clone builds, unless IMAGE_TAG says another. */
  readonly tag: string;
  /** What the names of its demos end with: nothing, or `-` and six digits. */
  readonly suffix: string;
  /** The clone that has the plain names, when it is not this one. */
  readonly other: string | undefined;
}

const VOLUME = 'sidecar-stacks-clone';
const OWNER_LABEL = 'dev.sidecar-stacks.clone';
/** Longer than the engine takes for one that came at the same time. Milliseconds, once in an engine's life. */
const SETTLED = 500;
const OPTIONS = { timeoutMs: 30_000 };

let mine: Promise<Clone> | undefined;

/**
 * Find out, and take the plain names when nobody has them; asked of the engine once a process. From
 * then on IMAGE_TAG is set for compose, unless it was.
 * @throws {EngineError} when no engine answers
 */
export function thisClone(): Promise<Clone> {
  mine ??= claim(`${hostname()}:${ROOT}`).then(
    (clone) => {
      process.env['IMAGE_TAG'] ||= clone.tag;
      return clone;
    },
    (error: unknown) => {
      mine = undefined;
      throw error;
    },
  );
  return mine;
}

/**
 * Claim the plain names for a clone.
 * @param me host and folder of the clone
 */
export async function claim(me: string, volume = VOLUME): Promise<Clone> {
  const owner = (await ownerOf(volume)) ?? (await take(me, volume));
  if (owner === me) return { tag: 'dev', suffix: '', other: undefined };
  const [host = '', folder = ''] = split(owner);
  // It was removed or moved away: its names are free again.
  if (host === split(me)[0] && !existsSync(folder)) {
    await docker(['volume', 'rm', volume], OPTIONS).catch(() => {});
    return claim(me, volume);
  }
  const digits = createHash('sha256').update(me).digest('hex').slice(0, 6);
  return { tag: `dev-${digits}`, suffix: `-${digits}`, other: folder };
}

const split = (owner: string): string[] => [owner.slice(0, owner.indexOf(':')), owner.slice(owner.indexOf(':') + 1)];

async function ownerOf(volume: string): Promise<string | undefined> {
  const format = `{{index .Labels "${OWNER_LABEL}"}}`;
  try {
    return await docker(['volume', 'inspect', '--format', format, volume], OPTIONS);
  } catch (error) {
    if (error instanceof EngineError && /no such volume/i.test(error.stderr.join(' '))) return undefined;
    throw error;
  }
}

/** Of two that take at the same time the later overwrites the earlier: so the answer is read a moment after. */
async function take(me: string, volume: string): Promise<string> {
  const labels = ['--label', `${OWNER_LABEL}=${me}`, '--label', `${STACK_LABEL}=clone`];
  await docker(['volume', 'create', ...labels, volume], OPTIONS);
  await pause(SETTLED);
  return (await ownerOf(volume)) ?? me;
}
