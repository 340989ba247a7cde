/**
 * The archives that Debian images are made from. They need no engine, and take as long as installing one:
 * where no container registry answers, both are done side by side.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestUrl } from '../../../tools/export/registry.ts';
import { CACHE } from '../lib/paths.ts';
import { makeArchive } from './debian-archive.ts';
import { BASE_IMAGES, type BaseImage } from './table.ts';
import { prepareBootstrap } from './tools.ts';

/** Milliseconds for a registry to answer anything at all. */
const ANSWER_MS = 5_000;

export interface ArchiveOptions {
  say: (line: string) => void;
  signal?: AbortSignal | undefined;
}

/** Each archive is made once, when it is first asked for; dispose of it when the images are made. */
export class Archives implements AsyncDisposable {
  readonly #options: ArchiveOptions;
  readonly #made = new Map<BaseImage['release'], Promise<string>>();
  #folder: Promise<string> | undefined;

  constructor(options: ArchiveOptions) {
    this.#options = options;
  }

  /**
   * Begin with all of them, where no registry has the images; resolves when they are under way, not when they are
   * made. Call it while no other apt-get runs.
   * @param arch Go's name of the processor that the engine will have
   * @throws {SetupError} when mmdebstrap cannot be installed
   */
  async begin(arch: string): Promise<void> {
    if (await registryAnswers()) return;
    await prepareBootstrap(this.#options);
    const releases = [...new Set(BASE_IMAGES.map(({ release }) => release))];
    this.#options.say(`No registry answers: building Debian ${releases.join(' and ')} from packages meanwhile`);
    // A later get() of the same archive waits for it, and gets its error.
    for (const release of releases) this.get(release, arch).catch(() => {});
  }

  /** An archive's path, when it is made. @throws {SetupError} */
  get(release: BaseImage['release'], arch: string): Promise<string> {
    let made = this.#made.get(release);
    if (made === undefined) {
      made = this.#make(release, arch);
      this.#made.set(release, made);
    }
    return made;
  }

  async #make(release: BaseImage['release'], arch: string): Promise<string> {
    this.#folder ??= mkdir(CACHE, { recursive: true }).then(() => mkdtemp(join(CACHE, 'bootstrap-')));
    return await makeArchive(release, { folder: await this.#folder, arch, signal: this.#options.signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#made.values());
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }
}

/** Whether the registry of the base images answers, with whatever. */
async function registryAnswers(): Promise<boolean> {
  const [image] = BASE_IMAGES;
  try {
    await fetch(manifestUrl(image!.official), { method: 'HEAD', signal: AbortSignal.timeout(ANSWER_MS) });
    return true;
  } catch {
    return false;
  }
}
