/** The webhook's port with a secret, and what senders put into their requests. */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { request } from '#kit/net/http-client.ts';
import { freePort } from '#kit/testing/ports.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Progress } from './progress.ts';
import { receive, type Verdict } from './receiver.ts';

export const SECRET = 'shared between two';
export const sign = (body: string | Buffer, secret = SECRET): string =>
  createHmac('sha256', secret).update(body).digest('hex');
export const payload = (ref: string, more: object = {}): string =>
  JSON.stringify({
    ref,
    after: 'a'.repeat(40),
    repository: { default_branch: 'main' },
    unique: Math.random(),
    ...more,
  });

export interface Port {
  readonly url: string;
  readonly port: number;
  readonly verdicts: Verdict[];
  readonly pushes: () => number;
  readonly logs: string[];
  readonly server: Server;
  readonly secretFile: string;
}

export async function open(ref = 'main', maxBody = 4096, progress = new Progress()): Promise<Port> {
  const secretFile = join(temporaryDirectory('git-sync-webhook'), 'secret');
  writeFileSync(secretFile, `${SECRET}\n`);
  const verdicts: Verdict[] = [];
  const logs: string[] = [];
  let pushes = 0;
  const port = await freePort();
  const note = (...args: unknown[]): void => void logs.push(JSON.stringify(args));
  const server = await receive({
    address: '127.0.0.1',
    port,
    secretFile,
    maxBody,
    ref,
    log: { info: note, warn: note, error: note },
    count: (verdict) => verdicts.push(verdict),
    progress,
    onPush: () => (pushes += 1),
  });
  server.unref();
  return { url: `http://127.0.0.1:${port}/`, port, verdicts, pushes: () => pushes, logs, server, secretFile };
}

let delivery = 0;
/** Headers of a push as GitHub sends it. */
export const github = (body: string, more: Record<string, string> = {}): Record<string, string> => ({
  'content-type': 'application/json',
  'x-github-event': 'push',
  'x-github-delivery': `delivery-${++delivery}`,
  'x-hub-signature-256': `sha256=${sign(body)}`,
  ...more,
});
/** @returns the status */
export const post = async (url: string, body: string, headers: Record<string, string>): Promise<number> =>
  (await request(url, { method: 'POST', body, headers, timeout: 5000 })).status;
