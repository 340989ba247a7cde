import {join} from 'node:path';
import {withLock} from '../lib/lock.mjs';
import {atLeast} from '../lib/version.ts';
import {ensureBaseImages, type MadeImage, missingImages} from './base-images.ts';
import {BASE_IMAGES} from './base-table.ts';
import {type Bundle, bundle} from './bundle.ts';
import {type Engine, ensureEngine, usableEngine} from './engine.ts';
import {observe} from './engine-facts.ts';
import {MIN_ENGINE} from './engine-plan.ts';
import {CACHE} from './paths.ts';

export interface SetupResult {
  engine: Engine;
  /** One entry for each base image. */
  images: MadeImage[];
  /** One entry for each program that goes into an image. */
  bundles: Bundle[];
}

export interface SetupOptions {
  /** Gets a line about each step that takes time or changes something; nothing when all is there. */
  say: (line: string) => void;
  /** Ends the setup; it rejects when what runs has ended. What is finished stays. */
  signal?: AbortSignal;
}

/**
 * Makes everything ready that a stack needs: a container engine, the base images, the bundles.
 * Safe to repeat and to run twice at once; takes a fraction of a second when there is nothing to do.
 * Throws SetupError (see its `exitCode` and `advice`), or the signal's reason.
 */
export async function setup({say, signal}: SetupOptions): Promise<SetupResult> {
  const bundled = bundle();
  // Awaited at the end; a failure before that must not end the process.
  bundled.catch(() => {});
  const exclusively = <T>(work: () => Promise<T>) =>
    withLock(join(CACHE, 'setup.lock'), work, {
      onWait: () => say('Waiting for another setup'),
      ...(signal ? {signal} : {}),
    });

  const engine = usableEngine(await observe(signal)) ?? (await exclusively(() => ensureEngine(say, signal)));
  if (!atLeast(engine.version, MIN_ENGINE)) {
    say(`Warning: engine ${engine.version} is older than ${MIN_ENGINE}, which the health checks need`);
  }
  const missing = await missingImages(signal);
  const images =
    missing.length === 0
      ? BASE_IMAGES.map(({name}) => ({name, how: 'present' as const}))
      : await exclusively(() => ensureBaseImages({say, arch: engine.arch, signal}));
  return {engine, images, bundles: await bundled};
}
