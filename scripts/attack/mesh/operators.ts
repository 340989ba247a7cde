/** Neighbours that would move splits, which wants the operator's token. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { answerOf, several } from '../client.ts';
import type { AttackContext } from '../suite.ts';
import { CONTROL_PLANE } from './client.ts';

const API = 8080;
/** The neighbour's own, which is to join as `hostile`. */
const JOIN_TOKEN = '/join/token';

/** Changes with no token, with that of a member, and with ones that are nearly tokens. */
export async function splits({ random, signal }: AttackContext): Promise<void> {
  const own = readFileSync(JOIN_TOKEN, 'utf8').trim();
  await several(8, async () => {
    const authorization = random.pick(['', 'Bearer', `Bearer ${own}`, `Bearer ${own},${own}`, `Basic ${own}`]);
    const options = {
      method: random.pick(['PUT', 'DELETE']),
      path: random.pick(['/api/splits/shop/0', '/api/splits/shop/%2e%2e', '/api/splits/__proto__/constructor']),
      headers: { 'content-type': 'application/json', ...(authorization !== '' && { authorization }) },
    };
    const body = random.pick(['{"shop":100}', '{"__proto__":1}', '['.repeat(10_000), '{}']);
    const answer = await answerOf(
      request({ host: CONTROL_PLANE, port: API, agent: false, signal, ...options }),
      body,
    ).catch(() => undefined);
    if (answer !== undefined && ![400, 401, 403].includes(answer.status))
      throw new Error(`${JSON.stringify(options)} got ${answer.status} ${answer.body.slice(0, 100)}`);
  });
}
