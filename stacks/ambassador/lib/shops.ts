/** The shops behind the broker and the split: what visitors get, and what the shops say that they got. */
import { Agent } from 'node:http';
import { request } from '#kit/net/http-client.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';

/** More than a busy machine needs, in milliseconds. */
const TIMEOUT = 120_000;

export interface Visit {
  readonly status: number;
  /** Which shop answered. */
  readonly shop: string;
  /** The value of the cookie that was set; undefined for none. */
  readonly cookie: string | undefined;
}

export interface VisitOptions {
  readonly method?: string;
  readonly path?: string;
  /** A cookie's value. */
  readonly cookie?: string | undefined;
}

/** Visitors of a published port, on connections that are kept. */
export class Visitors {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async visit({ method = 'GET', path = '/', cookie }: VisitOptions = {}): Promise<Visit> {
    const { status, headers, body } = await request(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      headers: cookie === undefined ? {} : { cookie: `split=${cookie}` },
      agent: this.#agent,
      timeout: TIMEOUT,
    });
    const cookieSet = /^split=([^;]*)/.exec(headers['set-cookie']?.[0] ?? '')?.[1];
    return { status, shop: body.toString('latin1').trim(), cookie: cookieSet };
  }

  /** @param options of the visit with a number */
  async visits(count: number, options: (index: number) => VisitOptions = () => ({})): Promise<Visit[]> {
    const all: Visit[] = [];
    let next = 0;
    const one = async (): Promise<void> => {
      for (let index = next++; index < count; index = next++) all[index] = await this.visit(options(index));
    };
    await Promise.all(Array.from({ length: 16 }, one));
    return all;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Ask a shop itself, past all ambassadors. */
async function askShop(project: Driver, shop: string, path: string): Promise<string> {
  const script = `exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET %s HTTP/1.0\\r\\n\\r\\n' "$1" >&3; cat <&3`;
  const answer = await project.exec(shop, ['bash', '-c', script, 'ask', path]);
  return answer.slice(answer.indexOf('\r\n\r\n') + 4).trim();
}

export interface Ledger {
  readonly visits: number;
  /** Different ones. */
  readonly orders: number;
  /** Orders that came more than once. */
  readonly repeated: number;
}

/** What a shop was asked. */
export const ledgerOf = async (project: Driver, shop: string): Promise<Ledger> =>
  JSON.parse(await askShop(project, shop, '/ledger')) as Ledger;

/** Make a shop a bad version of itself, or a good one again. */
export const setMood = async (project: Driver, shop: string, mood: 'well' | 'errs' | 'hangs'): Promise<void> =>
  void (await askShop(project, shop, `/mood/${mood}`));
