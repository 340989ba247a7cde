import { test } from 'uvu';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { SingleEndpoint } from './cluster.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('requests to an application that does not answer have a limit, and come back', async () => {
  let open = 0;
  await using app = await serve((_request, response) => {
    open++;
    response.on('close', () => open--);
  });
  await using proxy = await startProxy(app.port, {
    cluster: (endpointTo) => new SingleEndpoint(endpointTo(app.port), { up() {}, down() {} }, 3),
  });
  const talks = await Promise.all(Array.from({ length: 5 }, () => connected(proxy.port)));
  for (const talk of talks) talk.send(GET);
  await eventually('two are refused', () => talks.filter(({ text }) => text.startsWith('HTTP/1.1 503 ')).length === 2);
  await eventually('three wait', () => open === 3);
  for (const { socket } of talks) socket.destroy();
  await eventually('their requests are over', () => open === 0);
  const next = await connected(proxy.port);
  next.send(GET);
  await eventually('there is room again', () => open === 1);
  next.socket.destroy();
});

test.run();
