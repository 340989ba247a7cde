/**
 * Keeps the certificate: replicas share it in a Secret, the MutatingWebhookConfiguration says that it is trusted, and
 * only then is it served. Each replica does all of it; a Secret that another one has changed meanwhile is read again.
 */
import { ApiError, type Api } from '../cluster/api.ts';
import { makePair, readPair, type Pair } from './pair.ts';
import { bundleOf, isDue, served, valid } from './renewal.ts';

export interface KeeperOptions {
  readonly api: Api;
  readonly secret: string;
  readonly configuration: string;
  /** DNS names of the Service. */
  readonly names: readonly string[];
  /** Of a certificate, in milliseconds. */
  readonly lifetime: number;
  readonly now?: () => number;
  /** A Secret could not be read and is made anew. */
  readonly onDamaged: () => void;
  readonly onRenewed: (pair: Pair) => void;
}

/** The key of the Secret: a list of `{cert, key}`. */
const DATA = 'certificates.json';
/** How long an API server may take to hear of a certificate; a part of a lifetime where that is short. */
const DELAY_MS = 10_000;
const CONFLICT = 409;

interface WebhookConfiguration {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #now: () => number;
  /** Since when each certificate is in all of the configuration. */
  #told = new Map<string, number>();
  #pairs: readonly Pair[] = [];

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** How often to look, in milliseconds. */
  get period(): number {
    return Math.min(DELAY_MS, this.#options.lifetime / 20);
  }

  /** The certificate to serve now; also while the API server does not answer. */
  get pair(): Pair | undefined {
    return served(this.#pairs, this.#told, this.period, this.#now());
  }

  /**
   * Look once: make what is due, and tell the API server what to trust.
   * @throws {ApiError | HttpError} what is served stays
   */
  async look(): Promise<void> {
    this.#pairs = await this.#stored();
    await this.#tell(this.#pairs);
  }

  async #stored(): Promise<readonly Pair[]> {
    const { api, lifetime, names, onRenewed } = this.#options;
    const path = `/api/v1/namespaces/${api.namespace}/secrets/${this.#options.secret}`;
    const secret = await api.ask('GET', path);
    const pairs = this.#read((secret['data'] ?? {}) as Record<string, string>);
    const now = this.#now();
    if (!isDue(pairs, lifetime, now)) return pairs;
    const pair = await makePair(names, lifetime, now);
    const kept = [pair, ...valid(pairs, now)];
    const text = JSON.stringify(kept.map(({ cert, key }) => ({ cert, key })));
    try {
      // With the version that was read: of two replicas only one makes a certificate.
      await api.ask('PUT', path, { ...secret, data: { [DATA]: Buffer.from(text).toString('base64') } });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== CONFLICT) throw error;
      return this.#read(((await api.ask('GET', path))['data'] ?? {}) as Record<string, string>);
    }
    onRenewed(pair);
    return kept;
  }

  #read(data: Readonly<Record<string, string>>): Pair[] {
    const text = data[DATA];
    if (text === undefined) return [];
    try {
      const list = JSON.parse(Buffer.from(text, 'base64').toString()) as { cert: string; key: string }[];
      return list.map(({ cert, key }) => readPair(cert, key));
    } catch {
      this.#options.onDamaged();
      return [];
    }
  }

  async #tell(pairs: readonly Pair[]): Promise<void> {
    const { api, configuration } = this.#options;
    const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${configuration}`;
    const wanted = Buffer.from(bundleOf(pairs, this.#now())).toString('base64');
    const { webhooks = [] } = (await api.ask('GET', path)) as WebhookConfiguration;
    const wrong = webhooks.filter(({ clientConfig }) => clientConfig.caBundle !== wanted);
    if (wrong.length > 0) {
      const patch = { webhooks: wrong.map(({ name }) => ({ name, clientConfig: { caBundle: wanted } })) };
      await api.ask('PATCH', path, patch, 'application/strategic-merge-patch+json');
    }
    const now = this.#now();
    this.#told = new Map(valid(pairs, now).map(({ cert }) => [cert, this.#told.get(cert) ?? now]));
  }
}
