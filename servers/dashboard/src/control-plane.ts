/** What the control plane knows, and the way to change a split. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from '#kit/net/http-client.ts';
import type { Split } from './view.ts';

/** A replica of a service, as it registered. */
export interface Replica {
  readonly service: string;
  readonly name: string;
  readonly address: string;
  readonly version?: string;
  readonly healthy: boolean;
}

export interface Known {
  readonly services: readonly string[];
  readonly replicas: readonly Replica[];
  readonly splits: readonly Split[];
}

const PATIENCE = 5000;
const MAX_BODY = 4 * 1024 * 1024;

export class ControlPlane {
  readonly #url: string;
  readonly #tokenFile: string;

  constructor(url: string, tokenFile: string) {
    this.#url = url.replace(/\/$/, '');
    this.#tokenFile = tokenFile;
  }

  /** @throws {Error} when it does not answer, or not with a graph */
  async look(): Promise<Known> {
    const { status, body } = await request(`${this.#url}/api/graph`, { timeout: PATIENCE, maxBody: MAX_BODY });
    if (status !== 200) throw new Error(`the control plane answers ${status}`);
    return readGraph(JSON.parse(body.toString()));
  }

  /**
   * Change a split's weights; the status and words are the control plane's.
   * @param shown the token of who asks for it, which must be the operator's
   */
  async move(
    { service, route }: { service: string; route: string },
    weights: Readonly<Record<string, number>>,
    shown: string,
  ): Promise<{ status: number; message: string }> {
    const token = (await readFile(this.#tokenFile, 'utf8')).trim();
    if (!isSame(shown, token)) return { status: 401, message: "this is not the operator's token" };
    const { status, body } = await request(`${this.#url}/api/splits/${service}/${route}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(weights),
      timeout: PATIENCE,
      maxBody: MAX_BODY,
    });
    return { status, message: status < 400 ? '' : wordsOf(body.toString(), status) };
  }
}

/** In a time that tells nothing of what is compared. */
const isSame = (one: string, other: string): boolean =>
  timingSafeEqual(createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest());

function wordsOf(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error.slice(0, 500);
  } catch {
    // No JSON: the status says it.
  }
  return `the control plane answers ${status}`;
}

interface GraphDocument {
  readonly services?: readonly {
    readonly name: string;
    readonly replicas?: readonly {
      readonly name: string;
      readonly address: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly health?: string;
    }[];
    readonly splits?: readonly { readonly route: string; readonly weights: Readonly<Record<string, number>> }[];
  }[];
}

function readGraph(document: GraphDocument): Known {
  const services = document.services ?? [];
  return {
    services: services.map(({ name }) => name),
    replicas: services.flatMap(({ name: service, replicas = [] }) =>
      replicas.map(({ name, address, labels = {}, health = 'healthy' }) => ({
        service,
        name,
        address,
        healthy: health === 'healthy',
        ...(labels['version'] !== undefined && { version: labels['version'] }),
      })),
    ),
    splits: services.flatMap(({ name: service, splits = [] }) =>
      splits.map(({ route, weights }) => ({ service, route, weights })),
    ),
  };
}
