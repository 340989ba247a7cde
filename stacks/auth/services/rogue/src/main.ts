/** A provider that lies when it is told to, by a door that only the stack's own checks use. */
import { createServer, type IncomingMessage } from 'node:http';
import { TestProvider, type TokenFaults } from '#kit/testing/openid-provider.ts';

const PORT = 9000;
const provider = new TestProvider(process.env['ISSUER'] ?? '');
await provider.rotateKeys();

interface Order {
  readonly mischief?: TokenFaults;
  /** Sign with a new key; the former one stays published. */
  readonly rotate?: boolean;
  /** Tokens to make, by their claims. */
  readonly sign?: readonly Readonly<Record<string, unknown>>[];
}

async function carryOut({ mischief, rotate, sign = [] }: Order): Promise<unknown> {
  if (mischief) provider.mischief = { ...mischief, ...(mischief.claims && { claims: withoutNulls(mischief.claims) }) };
  if (rotate) await provider.rotateKeys('RS256', true);
  return { tokens: await Promise.all(sign.map((claims) => provider.sign(claims))), counts: provider.counts };
}

/** JSON has no undefined, which takes a claim away: null stands for it. */
const withoutNulls = (claims: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, value ?? undefined]));

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}

createServer((request, response) => {
  if (request.url !== '/order') return provider.listener(request, response);
  void textOf(request)
    .then(async (text) => response.end(JSON.stringify(await carryOut(JSON.parse(text) as Order))))
    .catch((error: unknown) => response.writeHead(500).end(String(error)));
}).listen(PORT, '0.0.0.0');
