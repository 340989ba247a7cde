/** Secrets of the sidecar under attack, in its own volume. */
import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hashSync } from 'bcryptjs';
import { KEY } from './client.ts';

mkdirSync('/var/lib/auth/attack', { recursive: true, mode: 0o700 });
for (const [name, text] of [
  ['cookie', randomBytes(32).toString('base64')],
  ['users', `ann:${hashSync(randomBytes(16).toString('hex'), 8)}:staff`],
  ['keys', `robot:${hash('sha256', KEY)}:staff`],
] as const)
  writeFileSync(`/var/lib/auth/attack/${name}`, `${text}\n`, { mode: 0o600 });
