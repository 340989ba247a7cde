/** Clients that want the sidecar to be busy, or full. */
import { closed, dial, several } from '../client.ts';
import type { AttackContext } from '../suite.ts';
import { anyAddress, PORT, tryAsk } from './client.ts';

/** Passwords of names that there are and are not, by many addresses. */
export async function passwords({ random, signal }: AttackContext): Promise<void> {
  await several(32, async () => {
    const name = random.chance(0.3) ? 'ann' : random.bytes(random.below(2000)).toString('hex');
    const shown = Buffer.from(`${name}:${random.bytes(8).toString('hex')}`).toString('base64');
    const headers = { 'x-forwarded-for': anyAddress(random), authorization: `Basic ${shown}` };
    const asked = await tryAsk('/page', { headers, signal });
    if (asked?.status === 200) throw new Error('a password that was guessed');
  });
}

/** Logins that are begun by many addresses, and come back wrongly. */
export async function logins({ random, signal }: AttackContext): Promise<void> {
  await several(16, async () => {
    const headers = { 'x-forwarded-for': anyAddress(random), 'sec-fetch-mode': 'navigate' };
    const long = 'y'.repeat(random.below(2000));
    const begun = await tryAsk(`/oauth2/start?rd=/${long}`, { headers, signal });
    const state = /[?&]state=([^&]+)/.exec(begun?.headers.location ?? '')?.[1] ?? long;
    const cookie = (begun?.headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0]).join('; ');
    await tryAsk(`/oauth2/callback?code=${long}&state=${state}`, { headers: { ...headers, cookie }, signal });
  });
}

/** Paths as long as a head may be, other ones each time, for decisions and patterns. */
export async function longPaths({ random, signal }: AttackContext): Promise<void> {
  await several(8, async () => {
    const piece = random.pick(['/a', '/a/', 'a', '/%61', ';a', '/./', '//', '\\']);
    const length = random.pick([250, 4000, 10_000, 30_000]);
    const path = `/${random.below(1e9)}${piece.repeat(Math.ceil(length / piece.length))}`.slice(0, length);
    await tryAsk(path, { headers: { 'x-forwarded-for': anyAddress(random) }, signal });
  });
}

/** Logout tokens that are none, in bodies of every length. */
export async function logouts({ random, signal }: AttackContext): Promise<void> {
  await several(16, async () => {
    const body = `logout_token=${random.bytes(random.pick([0, 100, 4000, 40_000])).toString('hex')}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length };
    await tryAsk('/oauth2/backchannel-logout', { method: 'POST', headers, body, signal });
  });
}

/** Logout requests whose bodies stop, and heads that never end. */
export async function slowBodies({ random, signal }: AttackContext): Promise<void> {
  await several(400, async () => {
    const socket = await dial(PORT, signal);
    if (socket === undefined) return;
    socket.resume();
    const line = random.chance(0.5) ? 'POST /oauth2/backchannel-logout' : 'POST /public/x';
    socket.write(
      `${line} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 16000\r\n`,
    );
    if (random.chance(0.7)) socket.write(`\r\nlogout_token=${'x'.repeat(random.below(15_000))}`);
    await closed(socket, signal);
  });
}
