/** The shop as a customer meets it: over its published port. */
import type { Stage } from '../../../scripts/scenario/scenario.ts';

const PATIENCE = 20_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export interface Shop {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  post(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** The shop at a port of this machine. */
export function shopAt(port: number): Shop {
  const ask = async (method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(PATIENCE),
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return {
    get: (path, headers = {}) => ask('GET', path, headers),
    post: (path, headers = {}) => ask('POST', path, headers),
  };
}

export const shopOf = ({ port }: Pick<Stage, 'port'>): Shop => shopAt(port('SHOP'));
