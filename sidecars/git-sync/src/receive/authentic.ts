/**
 * Is a webhook from whom it says? Each format by its own proof:
 * GitHub `X-Hub-Signature-256: sha256=HEX`, Gitea `X-Gitea-Signature: HEX` (both HMAC-SHA256 of the body),
 * GitLab `X-Gitlab-Token`, the secret itself. Comparisons take the same time whatever differs.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type Forge = 'github' | 'gitea' | 'gitlab';

/**
 * Find out who sent it.
 * @param headers of the request, names in lower case
 * @param body exactly as received
 * @param secret what sender and receiver share; an empty one proves nothing
 * @returns undefined when nothing proves the sender
 */
export function authenticate(headers: IncomingHttpHeaders, body: Uint8Array, secret: string): Forge | undefined {
  if (secret === '') return undefined;
  // Gitea sends GitHub's header too; its own says who it is.
  const gitea = one(headers['x-gitea-signature']);
  if (gitea !== undefined) return isSignature(gitea, body, secret) ? 'gitea' : undefined;
  const github = one(headers['x-hub-signature-256']);
  if (github !== undefined) {
    return github.startsWith('sha256=') && isSignature(github.slice(7), body, secret) ? 'github' : undefined;
  }
  const gitlab = one(headers['x-gitlab-token']);
  return gitlab !== undefined && timingSafeEqual(sha256(gitlab), sha256(secret)) ? 'gitlab' : undefined;
}

function isSignature(hex: string, body: Uint8Array, secret: string): boolean {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return false;
  return timingSafeEqual(Buffer.from(hex, 'hex'), createHmac('sha256', secret).update(body).digest());
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
