/**
 * What clients are sent of one type, made once for all that ask for the same: a publication then costs what has
 * changed for each kind of client, and little for each stream.
 */
import { createHash } from 'node:crypto';
import type { Resource, ResourceSet, TypeUrl } from './resources/types.ts';

/** Names that a client asks for; undefined: all that there are. Equal ones are one object. */
export type Names = ReadonlySet<string> | undefined;

/** Resources of one type at one time. Equal ones are one object, so that they are compared at no cost. */
export interface Snapshot {
  readonly type: TypeUrl;
  /** Of the content, so that it is the same after a restart. */
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly byName: ReadonlyMap<string, Resource>;
}

export class Snapshots {
  /** How many resources were looked at so far: what publications cost. */
  looked = 0;
  readonly #names = new Interned<ReadonlySet<string>>();
  readonly #snapshots = new Interned<Snapshot>();
  readonly #made = new WeakMap<ResourceSet, WeakMap<object, Map<string, Snapshot>>>();
  readonly #changes = new WeakMap<Snapshot, WeakMap<Snapshot, readonly Resource[]>>();
  readonly #removed = new WeakMap<Snapshot, WeakMap<Snapshot, readonly string[]>>();
  readonly #gone = new WeakMap<ResourceSet, WeakMap<ResourceSet, readonly Resource[]>>();

  /** The one set of these names, in the order of who asked first. */
  names(names: readonly string[]): ReadonlySet<string> {
    const unique = new Set(names);
    const key = createHash('sha256')
      .update([...unique].toSorted().join('\n'))
      .digest('base64');
    return this.#names.get(key, () => unique);
  }

  /**
   * What a client that asks for these names is to have.
   * @param extra resources that are no longer in the set, and not to be taken away yet
   */
  of(type: TypeUrl, set: ResourceSet, names: Names, extra: readonly Resource[] = []): Snapshot {
    const byNames = getOrMake(this.#made, set, () => new WeakMap<object, Map<string, Snapshot>>());
    const byExtra = getOrMake(byNames, names ?? ALL, () => new Map<string, Snapshot>());
    const key = extra.map(({ name, hash }) => `${name} ${hash}`).join('\n');
    return getOrMake(byExtra, key, () =>
      this.#snapshot(type, [...this.#wanted(set, names), ...extra.filter((each) => wants(names, each))]),
    );
  }

  /** Nothing of a type. */
  none(type: TypeUrl): Snapshot {
    return this.#snapshot(type, []);
  }

  /** The part of a snapshot that these names stand for. */
  only(snapshot: Snapshot, names: Names): Snapshot {
    if (names === undefined) return snapshot;
    const kept = snapshot.resources.filter((resource) => wants(names, resource));
    this.looked += snapshot.resources.length;
    return kept.length === snapshot.resources.length ? snapshot : this.#snapshot(snapshot.type, kept);
  }

  /** What a client says that it has, by the version of each; to compare with, and never sent. */
  claimed(type: TypeUrl, versions: Readonly<Record<string, string>>): Snapshot {
    const resources = Object.entries(versions).map(([name, hash]): Resource => ({
      name,
      hash,
      any: { type_url: type, value: Buffer.alloc(0) },
      wildcard: true,
    }));
    return unsent(type, resources);
  }

  /** The part of a snapshot whose names are kept; to compare with, and never sent. */
  part(snapshot: Snapshot, keeps: (name: string) => boolean): Snapshot {
    this.looked += snapshot.resources.length;
    const kept = snapshot.resources.filter(({ name }) => keeps(name));
    return kept.length === snapshot.resources.length ? snapshot : unsent(snapshot.type, kept);
  }

  /** Names of what is no longer in the second. */
  removed(from: Snapshot, to: Snapshot): readonly string[] {
    if (from === to) return NO_NAMES;
    const known = getOrMake(this.#removed, to, () => new WeakMap<Snapshot, readonly string[]>());
    return getOrMake(known, from, () => {
      this.looked += from.resources.length;
      return from.resources.flatMap(({ name }) => (to.byName.has(name) ? [] : [name]));
    });
  }

  /** What is new or other in the second. */
  changes(from: Snapshot, to: Snapshot): readonly Resource[] {
    if (from === to) return NOTHING;
    const known = getOrMake(this.#changes, to, () => new WeakMap<Snapshot, readonly Resource[]>());
    return getOrMake(known, from, () => {
      this.looked += to.resources.length;
      return to.resources.filter(({ name, hash }) => from.byName.get(name)?.hash !== hash);
    });
  }

  /** What is no longer in the second. */
  gone(from: ResourceSet, to: ResourceSet): readonly Resource[] {
    if (from === to) return NOTHING;
    const known = getOrMake(this.#gone, to, () => new WeakMap<ResourceSet, readonly Resource[]>());
    return getOrMake(known, from, () => {
      const all = [...from.all()];
      this.looked += all.length;
      return all.filter(({ name }) => !to.get(name));
    });
  }

  #wanted(set: ResourceSet, names: Names): readonly Resource[] {
    // By name, so that a client of few resources costs little where there are many.
    const found = [...(names ?? [])].flatMap((name) => set.get(name) ?? []);
    this.looked += found.length;
    if (names !== undefined && !names.has('*')) return found;
    this.looked += set.wildcards.length;
    return [...found, ...set.wildcards.filter(({ name }) => !names?.has(name))];
  }

  #snapshot(type: TypeUrl, resources: readonly Resource[]): Snapshot {
    const hash = createHash('sha256');
    for (const { name, hash: each } of resources.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
      hash.update(`${name} ${each}\n`);
    const version = hash.digest('hex').slice(0, 16);
    return this.#snapshots.get(`${type} ${version}`, () => ({
      type,
      version,
      resources,
      byName: new Map(resources.map((resource) => [resource.name, resource])),
    }));
  }
}

const NOTHING: readonly Resource[] = [];
const NO_NAMES: readonly string[] = [];

/** One that is not shared: it may hold names and versions alone. */
const unsent = (type: TypeUrl, resources: readonly Resource[]): Snapshot => ({
  type,
  version: '',
  resources,
  byName: new Map(resources.map((resource) => [resource.name, resource])),
});

/** In place of no names. */
const ALL = {};

/** Besides names, `*` may stand for all others (xDS protocol, "How the client specifies what resources to return"). */
const wants = (names: Names, { name, wildcard }: Resource): boolean =>
  names === undefined ? wildcard : names.has(name) || (wildcard && names.has('*'));

/** One object for each key, as long as somebody has it. */
class Interned<T extends object> {
  readonly #known = new Map<string, WeakRef<T>>();
  readonly #ended = new FinalizationRegistry<string>((key) => {
    if (!this.#known.get(key)?.deref()) this.#known.delete(key);
  });

  get(key: string, make: () => T): T {
    const known = this.#known.get(key)?.deref();
    if (known) return known;
    const made = make();
    this.#known.set(key, new WeakRef(made));
    this.#ended.register(made, key);
    return made;
  }
}

interface Cache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

function getOrMake<K, V>(cache: Cache<K, V>, key: K, make: () => V): V {
  let value = cache.get(key);
  if (value === undefined) cache.set(key, (value = make()));
  return value;
}
