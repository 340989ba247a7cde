/** Whether the application took what it was given. */
import { readFile } from 'node:fs/promises';
import { request, withoutCredentials } from '#kit/net/http-client.ts';
import { httpProbe, tcpProbe } from '#kit/net/probes.ts';
import { waitUntilStable } from '#kit/time/wait-until-stable.ts';
import type { Identity } from '../documents/document.ts';
import { shows, type Expectation } from './expectation.ts';

/** Where one looks. */
export type Subject =
  | { readonly kind: 'shows-url' | 'healthy-url'; readonly url: string }
  | { readonly kind: 'shows-file'; readonly path: string }
  | { readonly kind: 'healthy-tcp'; readonly host: string; readonly port: number };

export interface Verification {
  readonly subject: Subject;
  readonly expectation: Expectation;
  /** How long it must hold without a break, in milliseconds. */
  readonly hold: number;
  /** How long the application may take until then, in milliseconds. */
  readonly timeout: number;
}

export const SUBJECT_FORMS = 'shows:URL, shows:/path, healthy:URL or healthy:tcp:HOST:PORT';

/** The application did not take it; the message says what was seen instead. */
export class Unverified extends Error {
  override readonly name = 'Unverified';
}

/** One look may take so long, in milliseconds, and read so much, in bytes. */
const LOOK_TIMEOUT = 2000;
const LOOK_MAX = 1024 * 1024;
/** Between looks, in milliseconds: soon after the application was told, more calmly later. */
const PAUSES = { first: 4, longest: 250 };

/**
 * Read where to look.
 * @throws {Error} that says what is accepted
 */
export function parseSubject(text: string): Subject {
  const [, kind, where = ''] = /^(shows|healthy):(\S+)$/.exec(text) ?? [];
  if (kind && /^https?:\/\//.test(where) && URL.canParse(where))
    return { kind: kind === 'shows' ? 'shows-url' : 'healthy-url', url: where };
  if (kind === 'shows' && where.startsWith('/')) return { kind: 'shows-file', path: where };
  const [, host, port] = /^tcp:(.+):(\d{1,5})$/.exec(where) ?? [];
  if (kind === 'healthy' && host && Number(port) > 0 && Number(port) < 65_536)
    return { kind: 'healthy-tcp', host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  throw new Error(`${JSON.stringify(text)} is no verification; accepted is ${SUBJECT_FORMS}`);
}

/**
 * Why the application seems not to be there at all, whatever it would show; undefined when it is.
 */
export async function whyUnavailable(subject: Subject, signal: AbortSignal): Promise<string | undefined> {
  switch (subject.kind) {
    case 'shows-file':
    case 'healthy-tcp':
      return await look(subject, undefined, signal);
    default:
      return await answer(subject.url, signal).then(
        () => undefined,
        (error: Error) => error.message,
      );
  }
}

/**
 * Wait until the application shows a version and goes on showing it.
 * @param timeout milliseconds
 * @throws {Unverified} when it does not in time, and the signal's reason
 */
export async function verify(
  { subject, hold, timeout, expectation }: Verification,
  { id, content, signal }: { id: Identity; content: Uint8Array; signal: AbortSignal },
  patience = timeout,
): Promise<void> {
  const expected = expectation(id, content);
  const wrong = await waitUntilStable(
    () => look(subject, expected, signal),
    { hold, begin: patience, pauses: PAUSES },
    signal,
  );
  if (wrong !== undefined) throw new Unverified(wrong);
}

/** One look: undefined when all is well, else what is not. */
async function look(subject: Subject, expected: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  switch (subject.kind) {
    case 'healthy-tcp': {
      const probe = await tcpProbe({ ...subject, timeout: LOOK_TIMEOUT, signal });
      return probe.ok ? undefined : probe.reason;
    }
    case 'healthy-url': {
      const probe = await httpProbe({ url: subject.url, timeout: LOOK_TIMEOUT, signal });
      return probe.ok ? undefined : probe.reason;
    }
    case 'shows-file': {
      const text = await readFile(subject.path, 'utf8').catch((error: NodeJS.ErrnoException) => error);
      if (typeof text !== 'string') return `${subject.path} cannot be read: ${text.code}`;
      return expected === undefined || shows(text, expected) ? undefined : `${subject.path} does not show ${expected}`;
    }
    case 'shows-url': {
      const at = withoutCredentials(subject.url);
      try {
        const { status, text } = await answer(subject.url, signal);
        if (status < 200 || status > 299) return `${at} answered ${status}`;
        return expected === undefined || shows(text, expected) ? undefined : `${at} does not show ${expected}`;
      } catch (error) {
        return (error as Error).message;
      }
    }
  }
}

/** Headers that may show a version. Date, Content-Length and Server hold numbers of their own. */
const TELLING = /^(x-|etag$)/;

/** An answer's status, and the text of its body and of the headers that may show a version. */
async function answer(url: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
  const { status, headers, body } = await request(url, { timeout: LOOK_TIMEOUT, maxBody: LOOK_MAX, signal });
  const head = Object.entries(headers)
    .filter(([name]) => TELLING.test(name))
    .flatMap(([, value]) => value)
    .join('\n');
  return { status, text: `${head}\n${body.toString('utf8')}` };
}
