/** The application behind the sidecar under attack, which says what it was told, and the provider. */
import { createServer } from 'node:http';
import { TestProvider } from '#kit/testing/openid-provider.ts';
import type { Told } from './client.ts';

createServer((request, response) => {
  request.resume();
  const { headers } = request;
  // As CGI does: other characters than letters and digits are one.
  const identity = Object.keys(headers).filter((name) => /^x.forwarded.(?:user|email|groups)$/.test(name));
  const user = identity.length === 0 ? null : String(headers['x-forwarded-user'] ?? 'in another spelling');
  const told: Told = { target: request.url ?? '', user };
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(told));
}).listen(8080, '127.0.0.1');

const provider = new TestProvider('http://127.0.0.1:9000');
await provider.rotateKeys();
createServer(provider.listener).listen(9000, '127.0.0.1');
