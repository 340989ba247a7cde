/** What clients of the stack get, and what the shop says that it was asked. */
import { openResponse, request, type Answer, type RequestOptions } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { requestsFor } from './access-log.ts';

export interface Page {
  readonly status: number;
  readonly text: string;
  readonly headers: Answer['headers'];
  /** What the cache says that it did, without its name. */
  readonly did: string;
}

const authorities = new WeakMap<Project, Promise<string>>();

/** The development CA that the tls sidecar made; read once. */
export function authorityOf(project: Project): Promise<string> {
  const known = authorities.get(project);
  if (known !== undefined) return known;
  const asked = project.exec('tls', ['cat', '/var/lib/tls/ca.crt']);
  asked.catch(() => authorities.delete(project));
  authorities.set(project, asked);
  return asked;
}

/** Ask the shop, over HTTPS. @param path with its query */
export async function page(
  { project, port }: Pick<Stage, 'project' | 'port'>,
  path: string,
  options: Pick<RequestOptions, 'method' | 'headers' | 'body'> = {},
): Promise<Page> {
  const ca = await authorityOf(project);
  const { status, headers, body } = await request(`https://localhost:${port('SHOP')}${path}`, {
    timeout: 30_000,
    ...options,
    ca,
  });
  const did = String(headers['cache-status'] ?? '').replace(/^sidecar-cache; /, '');
  return { status, text: body.toString('latin1'), headers, did };
}

/** A page that comes in parts. */
export interface OpenPage {
  /** Settles with the first part. */
  readonly begun: Promise<void>;
  /** All of it. */
  readonly whole: Promise<string>;
  readonly over: boolean;
  /** Break the connection off. */
  readonly leave: () => void;
}

/** Ask the shop, over HTTPS, and read as it comes. */
export async function openPage({ project, port }: Pick<Stage, 'project' | 'port'>, path: string): Promise<OpenPage> {
  const ca = await authorityOf(project);
  const response = await openResponse(`https://localhost:${port('SHOP')}${path}`, { timeout: 60_000, ca });
  const begun = Promise.withResolvers<void>();
  const whole = Promise.withResolvers<string>();
  for (const each of [begun, whole]) each.promise.catch(() => undefined);
  let text = '';
  let over = false;
  const fail = (error: Error): void => [begun, whole].forEach(({ reject }) => reject(error));
  response.setEncoding('latin1');
  response.on('data', (chunk: string) => {
    text += chunk;
    begun.resolve();
  });
  response.on('error', fail);
  response.on('close', () => fail(new Error(`${path} broke off after ${text.length} bytes`)));
  response.on('end', () => {
    over = true;
    whole.resolve(text);
  });
  return {
    begun: begun.promise,
    whole: whole.promise,
    get over() {
      return over;
    },
    leave: () => void response.destroy(),
  };
}

/** Leave a note for pages that wait until it is there. */
export async function note(project: Project, name: string): Promise<void> {
  await project.exec('shop', ['touch', `/var/log/shop/note-${name}`]);
}

/** How many scripts of the shop are at work on what contains a text. */
export async function atWork(project: Project, text: string): Promise<number> {
  return Number(await project.exec('shop', ['bash', '-c', AT_WORK, 'at-work', text]));
}

const AT_WORK = String.raw`n=0
for each in /proc/[0-9]*; do
  if tr '\0' ' ' 2> /dev/null < "$each/cmdline" | grep -q '^/bin/sh .*page.cgi' && tr '\0' ' ' 2> /dev/null < "$each/environ" | grep -qF -- "$1"; then n=$((n + 1)); fi
done
echo $n`;

/** How often the shop was asked for a page, by its own log. */
export async function asked(project: Project, path: string): Promise<number> {
  return (await requests(project, path)).length;
}

async function requests(project: Project, path: string): Promise<string[]> {
  return requestsFor(await project.exec('shop', ['cat', '/var/log/shop/access.log']), path);
}

/** lighttpd writes its log every few seconds. */
export async function askedExactly(project: Project, path: string, times: number): Promise<void> {
  await eventually(`the shop was asked ${times} times for ${path}`, async () => {
    const lines = await requests(project, path);
    if (lines.length !== times) throw new Error(`its log has ${lines.length} lines of it: ${lines.join(' | ')}`);
    return true;
  });
}

/** Purge, from inside the container of a service. @returns the status and the body */
export async function purge(
  project: Project,
  body: object,
  from = 'cache',
  host = '127.0.0.1',
): Promise<{ status: number; body: string }> {
  const json = JSON.stringify(body);
  const answer = await project.exec(from, ['bash', '-c', POST, 'post', host, String(json.length), json]);
  return { status: Number(answer.split(' ', 2)[1]), body: answer.slice(answer.indexOf('\r\n\r\n') + 4) };
}

const POST = String.raw`exec 3<>"/dev/tcp/$1/9907"
printf 'POST /purge HTTP/1.0\r\nHost: localhost\r\nContent-Length: %s\r\n\r\n%s' "$2" "$3" >&3
cat <&3`;

let serial = 0;

/** A name that no other check uses. */
export const unique = (): string => `n${process.pid}x${++serial}e`;
