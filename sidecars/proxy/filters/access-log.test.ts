/** A line for each request, where one is asked for. */
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { accessLog } from './access-log.ts';
import type { Filter } from './filter.ts';

async function linesOf(
  level: string,
  asked: boolean,
  answers: readonly Filter[] = [],
): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level }, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  await using app = await serve((_incoming, response) => void response.end('hello'));
  let over = 0;
  const filters = [
    ...answers,
    ...accessLog({ parameters: { ACCESS_LOG: asked }, log }),
    { onEnd: () => void (over += 1) },
  ];
  await using proxy = await startProxy(app.port, { filters });
  await exchange(
    proxy.port,
    'POST /a?token=secret HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc',
  );
  await eventually('the exchange is over', () => over === 1, { within: 60_000 });
  return lines;
}

test('a line is written at any level where it is asked for, and else at debug alone', async () => {
  for (const [level, asked, count] of [
    ['fatal', true, 1],
    ['debug', true, 1],
    ['debug', false, 1],
    ['info', false, 0],
  ] as const)
    assert.is((await linesOf(level, asked)).length, count, `${level} ${asked}`);
});

test('a line has the path without query, the status, the duration and the bytes of both bodies', async () => {
  const [line] = await linesOf('warn', true);
  assert.ok(line);
  assert.is(line['request'], 'POST /a');
  assert.equal([line['status'], line['requestBytes'], line['client']], [200, 3, '127.0.0.1']);
  assert.ok(Number(line['responseBytes']) >= 5);
  assert.ok(Number(line['durationMs']) > 0);
  assert.is(line['traceId'], undefined);
  assert.not.match(JSON.stringify(line), 'secret');
});

test('the bytes of an answer that a filter gives are counted, whole or in parts', async () => {
  const parts = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('four');
    yield Buffer.from('teen bytes');
  };
  for (const body of ['fourteen bytes', parts()]) {
    const [line] = await linesOf('warn', true, [{ onRequest: () => ({ status: 200, body, length: 14 }) }]);
    assert.is(line?.['responseBytes'], 14);
  }
});

test.run();
