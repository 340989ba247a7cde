/** The container's own way to its server: HTTP on the loopback interface. */
import { createServer, request } from 'node:http';
import { listening } from './listening.ts';
import { behave, countOf, type Behaviour } from './behaviour.ts';
import { CONTROL_PORT } from './ports.ts';
import { readAll } from './read-all.ts';

/** Listen for `tell` and `seen`. */
export async function listenForControl(): Promise<void> {
  const server = createServer((incoming, response) => {
    void (async () => {
      const url = new URL(incoming.url!, 'http://localhost');
      if (incoming.method === 'PUT') behave(JSON.parse((await readAll(incoming)).toString()) as Behaviour);
      response.end(JSON.stringify({ seen: countOf(url.searchParams.get('key') ?? '') }));
    })().catch((error: unknown) => response.writeHead(400).end(JSON.stringify({ error: String(error) })));
  });
  await listening(server, CONTROL_PORT, '127.0.0.1');
}

/** Ask the server of this container. */
export async function ask(method: string, path: string, body = ''): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const outgoing = request({ host: '127.0.0.1', port: CONTROL_PORT, method, path }, (response) => {
    readAll(response).then((bytes) => resolve(JSON.parse(bytes.toString())), reject);
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}
