/** What the engine runs, kept up to date by its events: the model behind the page's boxes. */
import { setTimeout as pause } from 'node:timers/promises';
import { explain } from '#kit/text/explain.ts';
import { EngineApi } from '../../scripts/lib/engine-api.ts';
import { engineAdvice } from '../../scripts/setup/engine/advice.ts';
import { findSystem } from '../../scripts/setup/engine/system.ts';
import { PROJECT_LABEL, type Container } from './containers.ts';
import type { EngineState, PodsDocument } from './document.ts';
import { faultOffers, Faults, sizeLimit } from './faults.ts';
import { namespaceReader, type ReadNamespaces } from './namespaces.ts';
import { chooseProjects, projectDocument, type Namespaces } from './pods.ts';

const SYSTEM = findSystem();
/** Milliseconds between two attempts to reach an engine that is away. */
const AGAIN = 500;
/** Events that come together are looked at together, in milliseconds. */
const TOGETHER = 40;
/** Without any event, everything is looked at again after this, in milliseconds. */
const ANYHOW = 30_000;
/** Likewise while namespaces of a running container could not be read, in milliseconds. */
const UNREAD = 1000;

export interface ClusterOptions {
  /** Told of every change. */
  readonly changed: (document: PodsDocument) => void;
  readonly namespaces?: ReadNamespaces;
  readonly find?: () => Promise<EngineApi>;
}

export class Cluster {
  readonly faults: Faults;
  /** Projects that are shown on request. */
  readonly wanted = new Set<string>();
  readonly #options: ClusterOptions;
  readonly #readNamespaces: ReadNamespaces;
  readonly #containers = new Map<string, Container>();
  readonly #namespaces = new Map<string, { readonly since: string; readonly found: Namespaces }>();
  readonly #limits = new Map<string, number>();
  #labelled: readonly Container[] = [];
  #engine: EngineState = { state: 'away', advice: [] };
  #api: EngineApi | undefined;
  #wake: (() => void) | undefined;
  /** Something has happened since the last look began. */
  #stale = true;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#readNamespaces = options.namespaces ?? namespaceReader();
    this.faults = new Faults(() => this.#tell());
  }

  /** The engine, while it is up. */
  get api(): EngineApi | undefined {
    return this.#api;
  }

  /** Containers of the projects that are shown. */
  get shown(): readonly Container[] {
    return [...this.#containers.values()];
  }

  get limits(): ReadonlyMap<string, number> {
    return this.#limits;
  }

  /** Follow the engine until the signal, over its restarts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#api = await (this.#options.find?.() ?? EngineApi.find());
        await this.#follow(this.#api, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#away(explain(error));
      }
      this.#api?.close();
      this.#api = undefined;
      await pause(AGAIN, undefined, { signal }).catch(() => {});
    }
  }

  /** Look again soon: something is asked for that was not shown. */
  refresh(): void {
    this.#stale = true;
    this.#wake?.();
  }

  document(): PodsDocument {
    const { shown, others } = chooseProjects(this.#labelled, this.wanted);
    const facts = {
      containers: this.shown,
      namespaces: new Map([...this.#namespaces].map(([id, { found }]) => [id, found])),
      faults: this.faults.on,
      offers: (container: Container) => faultOffers(container, this.#limits),
    };
    return { engine: this.#engine, projects: shown.map((name) => projectDocument(name, facts)), others };
  }

  #away(why: string): void {
    this.#containers.clear();
    this.#namespaces.clear();
    this.#labelled = [];
    this.#engine = {
      state: 'away',
      advice: [why, ...engineAdvice(SYSTEM, SYSTEM.root), 'This page looks again by itself.'],
    };
    this.#tell();
  }

  #tell(): void {
    this.#options.changed(this.document());
  }

  /** Until the engine goes away, which ends its events. */
  async #follow(api: EngineApi, signal: AbortSignal): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ type: ['container', 'network'] }));
    const over = new AbortController();
    const events = await api.stream(`/events?filters=${filters}`, AbortSignal.any([signal, over.signal]));
    let ended = false;
    this.#stale = true;
    events.on('data', (piece: Buffer) => {
      // Health checks run all the time; only what they find is of interest.
      if (
        piece
          .toString()
          .split('\n')
          .some((line) => line !== '' && !/"Action":"exec_/.test(line))
      )
        this.refresh();
    });
    events.once('close', () => ((ended = true), this.refresh()));
    events.once('error', () => ((ended = true), this.refresh()));
    try {
      while (!ended && !signal.aborted) {
        if (this.#stale) {
          this.#stale = false;
          await this.#look(api, signal);
          this.#engine = { state: 'up', advice: [] };
          this.#tell();
        }
        // What came during the look is looked at now.
        if (!this.#stale && !signal.aborted) await this.#asleep(signal);
        await pause(TOGETHER);
      }
    } finally {
      over.abort();
    }
    if (!signal.aborted) throw new Error('the engine has gone');
  }

  async #asleep(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const awake = (): void => resolve();
    const allRead = this.#running.every(({ Id }) => this.#namespaces.has(Id));
    const timer = setTimeout(() => this.refresh(), allRead ? ANYHOW : UNREAD);
    signal.addEventListener('abort', awake);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', awake);
    this.#wake = undefined;
  }

  async #look(api: EngineApi, signal: AbortSignal): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ label: [PROJECT_LABEL, 'com.docker.compose.config-hash'] }));
    interface Listed {
      readonly Id: string;
      readonly Names: readonly string[];
      readonly Labels: Readonly<Record<string, string>>;
    }
    const listed = await api.get<Listed[]>(`/containers/json?all=1&filters=${filters}`, signal);
    this.#labelled = listed.map(
      ({ Id, Names, Labels }) => ({ Id, Name: Names[0] ?? '', Config: { Labels } }) as unknown as Container,
    );
    const { shown } = chooseProjects(this.#labelled, this.wanted);
    const ids = listed.filter(({ Labels }) => shown.includes(Labels[PROJECT_LABEL]!)).map(({ Id }) => Id);
    for (const id of this.#containers.keys()) if (!ids.includes(id)) this.#containers.delete(id);
    await Promise.all(
      ids.map(async (id) => {
        // Gone again between the list and the look.
        const found = await api.get<Container>(`/containers/${id}/json`, signal).catch(() => undefined);
        if (found) this.#containers.set(id, found);
        else this.#containers.delete(id);
      }),
    );
    await Promise.all([this.#lookAtNamespaces(), this.#lookAtVolumes(api, signal)]);
  }

  get #running(): readonly Container[] {
    return this.shown.filter(({ State }) => State.Running);
  }

  async #lookAtNamespaces(): Promise<void> {
    const started = new Map(this.#running.map(({ Id, State }) => [Id, State.StartedAt]));
    // Of an earlier run of the container as well.
    for (const [id, { since }] of this.#namespaces) if (started.get(id) !== since) this.#namespaces.delete(id);
    const fresh = this.#running.filter(({ Id }) => !this.#namespaces.has(Id));
    const found = await this.#readNamespaces(fresh).catch(() => new Map<string, Namespaces>());
    for (const { Id, State } of fresh) {
      const seen = found.get(Id);
      if (seen) this.#namespaces.set(Id, { since: State.StartedAt, found: seen });
    }
  }

  async #lookAtVolumes(api: EngineApi, signal: AbortSignal): Promise<void> {
    const names = new Set(
      this.shown.flatMap(({ Mounts }) =>
        Mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : [])),
      ),
    );
    for (const name of names) {
      if (this.#limits.has(name)) continue;
      const volume = await api
        .get<{ Options: { o?: string } | null }>(`/volumes/${name}`, signal)
        .catch(() => undefined);
      this.#limits.set(name, sizeLimit(volume?.Options?.o) ?? Infinity);
    }
  }
}
