import { docker, EngineError } from '../../lib/engine.ts';
import { IMAGE_LABEL } from '../../lib/labels.ts';
import type { Archives } from './archives.ts';
import { buildNode } from './node.ts';
import { pull } from './pull.ts';
import { BASE, BASE_IMAGES, type BaseImage, type MakeOptions } from './table.ts';
import { prepareBootstrap } from './tools.ts';
import { SetupError } from '../lib/setup-error.ts';

export interface MadeImage {
  name: string;
  /** `present`: it was there; `pulled` from a registry; `built` from Debian's packages and npm's Node. */
  how: 'present' | 'pulled' | 'built';
}

export interface ImageOptions extends MakeOptions {
  /** Where the systems come from that are built. */
  archives: Archives;
}

/** The base images that the engine does not have under our label. Throws EngineError. */
export async function missingImages(signal?: AbortSignal): Promise<BaseImage[]> {
  const listed = await docker(
    ['image', 'ls', '--filter', `label=${IMAGE_LABEL}=${BASE}`, '--format', '{{.Repository}}:{{.Tag}}'],
    { timeoutMs: 30_000, signal },
  );
  const present = listed.split('\n');
  return BASE_IMAGES.filter(({ name }) => !present.includes(name));
}

/**
 * Makes the base images that are missing: pulled where a registry answers (which the first pull
 * finds out), otherwise built. Those that are there are not touched, whatever their age.
 * Throws SetupError, `refused` where they can be neither pulled nor built.
 */
export async function ensureBaseImages(options: ImageOptions): Promise<MadeImage[]> {
  const missing = await missingImages(options.signal);
  const pulled = await pullAll(missing, options);
  await buildAll(
    missing.filter((image) => !pulled.has(image)),
    options,
  );
  return BASE_IMAGES.map((image) => ({
    name: image.name,
    how: pulled.has(image) ? 'pulled' : missing.includes(image) ? 'built' : 'present',
  }));
}

/** Pulls what it can and returns that; when the first is not to be had, the others are not tried. */
async function pullAll([first, ...others]: readonly BaseImage[], options: ImageOptions): Promise<Set<BaseImage>> {
  const got = new Set<BaseImage>();
  if (!first) return got;
  const attempt = async (image: BaseImage) => {
    options.say(`Pulling ${image.official}`);
    try {
      await pull(image, options.signal);
      got.add(image);
      options.say(`${image.name} pulled`);
    } catch (error) {
      if (!(error instanceof EngineError) || error.reason === 'aborted') throw error;
      options.say(`Not to be had from a registry: ${shortReason(error)}`);
    }
  };
  await attempt(first);
  if (got.size > 0) await Promise.all(others.map(attempt));
  return got;
}

/** Milliseconds for the engine to take a whole system in. */
const IMPORT_MS = 240_000;

/** Makes a plain image from its archive. Throws SetupError or EngineError. */
async function importArchive({ name, release }: BaseImage, { archives, arch, signal }: ImageOptions): Promise<void> {
  const changes = [`LABEL ${IMAGE_LABEL}=${BASE}`, 'CMD ["bash"]'].flatMap((change) => ['--change', change]);
  const archive = await archives.get(release, arch);
  await docker(['import', '--platform', `linux/${arch}`, ...changes, archive, name], { timeoutMs: IMPORT_MS, signal });
}

/** Builds the plain images side by side, then what stands on them. */
async function buildAll(images: readonly BaseImage[], options: ImageOptions): Promise<void> {
  const plain = images.filter((image) => !image.node);
  if (plain.length > 0) await prepareBootstrap(options);
  const done = async (image: BaseImage, work: Promise<void>) => {
    const since = Date.now();
    await work;
    options.say(`${image.name} built after ${((Date.now() - since) / 1000).toFixed(1)} s`);
  };
  const names = plain.map(({ release }) => release).join(' and ');
  if (names) options.say(`Building Debian ${names} from packages`);
  const bases = new Map(plain.map((image) => [image.name, done(image, importArchive(image, options))]));
  const nodes = images
    .filter((image) => image.node)
    .map(async (image) => {
      const base = BASE_IMAGES.find(({ release, node }) => release === image.release && !node);
      if (!base) throw new Error(`no plain image of ${image.release}`);
      // A base that is not being built is there already.
      await bases.get(base.name);
      await done(image, buildNode(image, base, options));
    });
  // Everything is awaited even when one fails, so that nothing is at work any more when this rejects.
  const results = await Promise.allSettled([...bases.values(), ...nodes]);
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return;
  options.signal?.throwIfAborted();
  if (failed.reason instanceof EngineError) {
    throw new SetupError('failed', 'A base image could not be built:', failed.reason.stderr);
  }
  throw failed.reason;
}

/** The end of the engine's sentence, which is where it says what went wrong. */
function shortReason(error: EngineError): string {
  if (error.reason === 'timeout') return 'it does not answer';
  return error.stderr.at(-1)?.split(': ').slice(-2).join(': ') ?? error.message;
}
