/** What a webhook says: whether it is a push, and of which ref. */
import type { IncomingHttpHeaders } from 'node:http';
import { candidates, isHash } from '../repository/refs.ts';
import type { Forge } from './authentic.ts';

export interface Push {
  /** Full name, `refs/heads/…` or `refs/tags/…`. */
  readonly ref: string;
  /** What the ref is at now; undefined when it was deleted, or the sender does not say. */
  readonly after: string | undefined;
  readonly defaultBranch: string | undefined;
  /** When it was sent, in milliseconds since the epoch, where the format says so. */
  readonly sentAt: number | undefined;
}

/** The header that names the event, and the events that are pushes. */
const EVENTS: Readonly<Record<Forge, { header: string; pushes: readonly string[] }>> = {
  github: { header: 'x-github-event', pushes: ['push'] },
  gitea: { header: 'x-gitea-event', pushes: ['push'] },
  gitlab: { header: 'x-gitlab-event', pushes: ['Push Hook', 'Tag Push Hook'] },
};
const DELIVERIES: Readonly<Record<Forge, readonly string[]>> = {
  github: ['x-github-delivery'],
  gitea: ['x-gitea-delivery'],
  gitlab: ['idempotency-key', 'x-gitlab-event-uuid'],
};

/** True when the event is a push; a ping, an issue or a release is none. */
export function isPush(forge: Forge, headers: IncomingHttpHeaders): boolean {
  const { header, pushes } = EVENTS[forge];
  const event = headers[header];
  return typeof event === 'string' && pushes.includes(event);
}

/** What the sender calls this delivery. */
export function deliveryId(forge: Forge, headers: IncomingHttpHeaders): string | undefined {
  return DELIVERIES[forge].map((name) => headers[name]).find((value) => typeof value === 'string' && value !== '') as
    | string
    | undefined;
}

/**
 * Read a push event: JSON, or a form with the JSON in `payload` as GitHub may be told to send it.
 * @returns undefined when it is none
 */
export function parsePush(body: Uint8Array, contentType = 'application/json'): Push | undefined {
  let text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) text = new URLSearchParams(text).get('payload') ?? '';
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { ref, after, repository, project } = fields(event);
  if (typeof ref !== 'string' || !/^refs\/(heads|tags)\/./.test(ref)) return undefined;
  const branch = fields(repository)['default_branch'] ?? fields(project)['default_branch'];
  const pushedAt = fields(repository)['pushed_at'];
  return {
    ref,
    after: typeof after === 'string' && isHash(after) && !/^0+$/.test(after) ? after : undefined,
    defaultBranch: typeof branch === 'string' ? branch : undefined,
    sentAt: typeof pushedAt === 'number' && Number.isFinite(pushedAt) ? pushedAt * 1000 : undefined,
  };
}

/** True when a push may move the ref that is followed. */
export function movesRef({ ref, defaultBranch }: Push, followed: string): boolean {
  if (isHash(followed)) return false;
  if (followed === 'HEAD') return ref.startsWith('refs/heads/') && (defaultBranch ?? ref.slice(11)) === ref.slice(11);
  return candidates(followed).includes(ref);
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
