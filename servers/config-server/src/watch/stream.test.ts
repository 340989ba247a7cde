import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Version } from '../store/types.ts';
import { EventStream } from './stream.ts';

const server = createServer();
test.before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
test.after(() => {
  server.close();
  server.closeAllConnections();
});

const change = (key: string, revision: number, version = revision): Version => ({
  key,
  version,
  revision,
  digest: 'sha256:00',
  size: 1,
  contentType: 'text/plain',
  at: '2026-01-01T00:00:00.000Z',
  author: 'tester',
  action: 'update',
});

/** What a client reads of a stream that is told some things and ended. */
async function told(tell: (stream: EventStream, response: ServerResponse) => void | Promise<void>): Promise<string> {
  server.once('request', (_request, response) => {
    const stream = new EventStream(response, 60_000);
    void (async () => {
      await tell(stream, response);
      // After what it was told of in this turn.
      setImmediate(() => stream.end());
    })();
  });
  const { port } = server.address() as AddressInfo;
  return (await fetch(`http://127.0.0.1:${port}/`)).text();
}

const idsAndVersions = (text: string): string[] =>
  [...text.matchAll(/^id: (\d+)\nevent: change\ndata: (.*)$/gm)].map(
    ([, id, data]) => `${id} ${(JSON.parse(data!) as Version).key} ${(JSON.parse(data!) as Version).version}`,
  );

test('of the changes of one moment the latest of each key is told, in the order of revisions', async () => {
  const text = await told((stream) => {
    stream.change(change('a', 1));
    stream.change(change('b', 2));
    stream.change(change('a', 3));
  });
  assert.equal(idsAndVersions(text), ['2 b 2', '3 a 3']);
});

test('changes of different moments are all told', async () => {
  const text = await told(async (stream) => {
    stream.change(change('a', 1));
    await new Promise(setImmediate);
    stream.change(change('a', 2));
  });
  assert.equal(idsAndVersions(text), ['1 a 1', '2 a 2']);
});

test('only what clients need is told of a change', async () => {
  const text = await told((stream) => stream.change({ ...change('a', 1), deleted: true }));
  assert.match(text, 'data: {"key":"a","version":1,"revision":1,"digest":"sha256:00","deleted":true}\n\n');
});

test.run();
