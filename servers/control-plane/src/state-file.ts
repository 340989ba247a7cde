/** What outlives the control plane: who had registered, splits that were changed, and addresses of endpoints. */
import { isIP } from 'node:net';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { publishFile } from '#kit/files/atomic-file.ts';
import { readKept } from '#kit/files/kept-file.ts';
import { setAside } from '#kit/files/set-aside.ts';
import type { Split } from './mesh/mesh.ts';
import type { Replica } from './registry/registry.ts';

export interface SavedState {
  readonly replicas: readonly Replica[];
  readonly splits: readonly Split[];
  /** Addresses of endpoints that the policy names by DNS. */
  readonly resolved: Readonly<Record<string, readonly string[]>>;
}

const VERSION = 1;
/** Longer ones are not read: some 100,000 replicas, in bytes. */
const LONGEST = 64 * 1024 * 1024;
const NOTHING: SavedState = { replicas: [], splits: [], resolved: {} };

/** An example of each field that must be there: of its type. Of labels that are none, only their service is left out. */
const REPLICA = { id: '', service: '', name: '', address: '', phase: '', leaseDigest: '', ports: [] };
const SPLIT = { service: '', route: '', instead: '', weights: {} };

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

const isListOf = (list: unknown, example: Readonly<Record<string, unknown>>): boolean =>
  Array.isArray(list) &&
  list.every(
    (each: Readonly<Record<string, unknown>> | null) =>
      kindOf(each) === 'object' &&
      Object.entries(example).every(([key, value]) => kindOf(each![key]) === kindOf(value)),
  );

const areAddresses = (resolved: unknown): boolean =>
  kindOf(resolved) === 'object' &&
  Object.values(resolved as object).every(
    (each: unknown) => Array.isArray(each) && each.every((address) => typeof address === 'string' && isIP(address) > 0),
  );

type Written = Omit<SavedState, 'resolved'> & Partial<Pick<SavedState, 'resolved'>> & { readonly version: number };

export interface StateFileOptions {
  readonly path: string;
  readonly state: () => SavedState;
  readonly onWritten: (failure: Error | undefined) => void;
}

/** Written whole and at once, and at most once at a time, whatever changes meanwhile. */
export class StateFile {
  readonly #options: StateFileOptions;
  #writing: Promise<void> | undefined;
  #again = false;

  constructor(options: StateFileOptions) {
    this.#options = options;
  }

  /**
   * What was saved last.
   * @param onDamaged told of a file that cannot be used, and where it lies now: a start goes on without it, as proxies
   * register again within a lease
   * @returns nothing where no usable file is
   */
  static async read(path: string, onDamaged: (error: Error, aside: string) => void): Promise<SavedState> {
    await mkdir(dirname(path), { recursive: true });
    try {
      const text = readKept(path, LONGEST);
      if (text === undefined) return NOTHING;
      // Before 1.7.0 no addresses were saved.
      const { version, replicas, splits, resolved = {} } = JSON.parse(String(text)) as Written;
      if (version !== VERSION) throw new Error(`${path} is of version ${version}; this program knows ${VERSION}`);
      if (!isListOf(replicas, REPLICA) || !isListOf(splits, SPLIT))
        throw new Error(`${path} holds no replicas and splits`);
      if (!areAddresses(resolved)) throw new Error(`${path} holds no addresses`);
      return { replicas, splits, resolved };
    } catch (error) {
      onDamaged(error as Error, setAside(path));
      return NOTHING;
    }
  }

  /** Something has changed; it is written soon. @returns when what is known now is on the disk */
  async save(): Promise<void> {
    if (this.#writing) {
      this.#again = true;
      await this.#writing;
      return;
    }
    this.#writing = this.#write().finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  async #write(): Promise<void> {
    do {
      this.#again = false;
      try {
        const text = JSON.stringify({ version: VERSION, ...this.#options.state() });
        await publishFile(this.#options.path, text, { mode: 0o600 });
        this.#options.onWritten(undefined);
      } catch (error) {
        this.#options.onWritten(error as Error);
      }
    } while (this.#again);
  }
}
