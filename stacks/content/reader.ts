/** Readers of the site: each fetches a page with all that it refers to, again and again. */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { asset, FILES } from './site.ts';

export interface ReaderReport {
  /** Pages fetched with all their assets. */
  readonly pages: number;
  /** Pages by version. */
  readonly versions: ReadonlyMap<string, number>;
  /** Pages whose parts were of different versions. */
  readonly mixed: readonly string[];
  /** Files fetched by their plain path, through the link. */
  readonly files: number;
  /** Anything but a whole answer with the expected status. */
  readonly failed: readonly string[];
}

export interface Readers {
  /** Pages so far, of one version or of all. */
  pages(version?: string): number;
  stop(): Promise<ReaderReport>;
}

export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

const DEADLINE = 10_000;

/** GET one path. */
export async function fetchFile(port: number, path: string, agent: Agent | false = false): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, path, agent });
  asked.setTimeout(DEADLINE, () => asked.destroy(new Error(`no answer for ${DEADLINE / 1000} s`)));
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location,
    body: Buffer.concat(chunks).toString(),
  };
}

/**
 * Start readers that go on until they are stopped.
 * @param count how many at a time, each with one connection
 */
export function startReaders(port: number, count: number): Readers {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  const versions = new Map<string, number>();
  const mixed: string[] = [];
  const failed: string[] = [];
  let pages = 0;
  let files = 0;
  let stopping = false;

  const get = async (path: string, status = 200): Promise<Answer> => {
    const answer = await fetchFile(port, path, agent);
    if (answer.status !== status) throw new Error(`${path}: status ${answer.status}`);
    return answer;
  };
  const reader = async (seed: number): Promise<void> => {
    for (let round = seed; !stopping; round++) {
      try {
        const { location = '' } = await get('/', 302);
        const { body } = await get(location);
        const parts = [body];
        for (const [, path] of body.matchAll(/href="([^"]+)"/g)) parts.push((await get(location + path!)).body);
        const seen = new Set(parts.map((part) => /Version \d+/.exec(part)?.[0] ?? 'no version'));
        if (seen.size > 1) mixed.push([...seen].join(', '));
        const [version] = seen;
        versions.set(version!, (versions.get(version!) ?? 0) + 1);
        pages += 1;
        await get(`/${asset((round * 7919) % (FILES - 1))}`);
        files += 1;
      } catch (error) {
        failed.push(`${(error as NodeJS.ErrnoException).code ?? ''} ${(error as Error).message}`.trim());
      }
    }
  };
  const all = Promise.all(Array.from({ length: count }, (_, index) => reader(index * 1000)));
  return {
    pages: (version) => (version === undefined ? pages : (versions.get(version) ?? 0)),
    stop: async () => {
      stopping = true;
      await all;
      agent.destroy();
      return { pages, versions, mixed, files, failed };
    },
  };
}
