import { join } from 'node:path';
import { type Clone, thisClone } from '../lib/clone.ts';
import { withLock } from '../lib/lock.mjs';
import { Archives } from './images/archives.ts';
import { ensureBaseImages, type MadeImage, missingImages } from './images/base-images.ts';
import { BASE_IMAGES } from './images/table.ts';
import { type Bundle, bundle } from './bundles/bundle.ts';
import { type Engine, ensureEngine, usableEngine } from './engine/engine.ts';
import { observe } from './engine/facts.ts';
import { atLeast, MIN_ENGINE } from './engine/plan.ts';
import { providePackages } from './bundles/packages.ts';
import { CACHE } from './lib/paths.ts';
import { SetupError } from './lib/setup-error.ts';

export interface SetupResult {
  engine: Engine;
  /** One entry for each base image. */
  images: MadeImage[];
  /** One entry for each program that goes into an image. */
  bundles: Bundle[];
  /** Whose the plain names of images and projects are. */
  clone: Clone;
}

export interface SetupOptions {
  /** Gets a line about each step that takes time or changes something; nothing when all is there. */
  say: (line: string) => void;
  /** Ends the setup; it rejects when what runs has ended. What is finished stays. */
  signal?: AbortSignal | undefined;
}

/**
 * Makes everything ready that a stack needs: a container engine, the base images, the bundles,
 * the packages that images take from npm.
 * Safe to repeat and to run twice at once; takes a fraction of a second when there is nothing to do.
 * Throws SetupError (see its `exitCode` and `advice`), EngineError, or the signal's reason.
 */
export async function setup(options: SetupOptions): Promise<SetupResult> {
  const files = Promise.all([bundle(), providePackages(undefined, options.signal)]);
  // Awaited at the end; a failure before that must not end the process.
  files.catch(() => {});
  try {
    const { engine, images } = (await findReady(options)) ?? (await makeReady(options));
    if (!atLeast(engine.version, MIN_ENGINE)) {
      options.say(`Warning: engine ${engine.version} is older than ${MIN_ENGINE}, which the health checks need`);
    }
    const clone = await thisClone();
    const [bundles] = await files;
    return { engine, images, bundles, clone };
  } catch (error) {
    throw explainFiles(error);
  }
}

type Ready = Pick<SetupResult, 'engine' | 'images'>;

/** The usual case: everything is there. Undefined when something has to be made. */
async function findReady({ signal }: SetupOptions): Promise<Ready | undefined> {
  const engine = usableEngine(await observe(signal));
  if (!engine || (await missingImages(signal)).length > 0) return undefined;
  return { engine, images: BASE_IMAGES.map(({ name }) => ({ name, how: 'present' })) };
}

/** Makes what is missing, one process at a time; each looks again when its turn has come. */
async function makeReady({ say, signal }: SetupOptions): Promise<Ready> {
  const work = async () => {
    await using archives = new Archives({ say, signal });
    const engine = await ensureEngine({ say, signal, beforeInstall: (arch) => archives.begin(arch) });
    return { engine, images: await ensureBaseImages({ say, arch: engine.arch, archives, signal }) };
  };
  const onWait = () => say('Waiting for another setup');
  return await withLock(join(CACHE, 'setup.lock'), work, { onWait, signal });
}

/** Turns the usual failures of files into a sentence: another user's files, a full disk. */
function explainFiles(error: unknown): unknown {
  const { code, path = '' } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') {
    return new SetupError('failed', `This user may not write ${path}.`, [
      'Was setup run as root before? Take the files back:',
      '    sudo chown -R "$USER" .',
    ]);
  }
  return code === 'ENOSPC' ? new SetupError('failed', `The disk is full${path && `, at ${path}`}.`) : error;
}
