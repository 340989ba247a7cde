import { connect, createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { redirectTarget } from './redirect.ts';
import { listening } from '#kit/testing/server.ts';
import { start } from './test-plane.ts';

const ask = (host: string | undefined, url: string, port = 443): string | undefined =>
  redirectTarget({ url, headers: {}, headersDistinct: host === undefined ? {} : { host: [host] } }, port);

test('a request is sent to the same place by https', () => {
  assert.is(ask('example.test', '/a?b=c'), 'https://example.test/a?b=c');
  assert.is(ask('example.test:80', '/', 8443), 'https://example.test:8443/');
  assert.is(ask('[::1]:80', '/'), 'https://[::1]/');
  assert.is(ask('other.test', 'http://example.test/a'), 'https://example.test/a');
  assert.is(ask('example.test', '*'), 'https://example.test/');
  assert.is(ask('example.test', '/\xe4"'), 'https://example.test/%E4"');
});

test('nobody is sent to a host that is none', () => {
  for (const host of [undefined, '', 'a b', 'a/b', 'user@a', 'a:99999', 'a\\b', '[::1', 'a?b'])
    assert.is(ask(host, '/'), undefined, host);
});

test('the listener answers 308, or 400', async () => {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => void server.close(resolve));
  const running = await start(1, { TLS_REDIRECT_PORT: String(port), TLS_PUBLIC_PORT: '8443' });
  const talk = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  };
  assert.match(
    await talk('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 308 .*\r\nLocation: https:\/\/a:8443\/x\r\n/,
  );
  assert.match(await talk('GET /x HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await talk('GET /x HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /);
  await running.stop();
});

test.run();
