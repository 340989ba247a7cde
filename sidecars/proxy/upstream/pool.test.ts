/** Connections to an endpoint that were idle: some of them are dead by now. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { rawApp } from '#proxy/testing/apps.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';

/** An application in a thread of its own that closes each connection 20 ms after its last answer, without a word, and counts that. */
const FORGETFUL = `
  const { createServer } = require('node:net');
  const { parentPort, workerData: ended } = require('node:worker_threads');
  const count = () => {
    Atomics.add(ended, 0, 1);
    Atomics.notify(ended, 0);
  };
  const server = createServer((socket) => {
    let heard = '';
    let timer;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      clearTimeout(timer);
      heard += chunk.toString('latin1');
      if (!/end$|0\\r\\n(X-Sum: 1\\r\\n)?\\r\\n$/.test(heard)) return;
      const body = heard.slice(heard.indexOf('\\r\\n\\r\\n') + 4);
      heard = '';
      socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: ' + body.length + '\\r\\n\\r\\n' + body);
      timer = setTimeout(() => socket.end(count), 20);
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

const ROUNDS = 5;

test('a connection that the application closed meanwhile costs no request, whatever its method', async () => {
  const ended = new Int32Array(new SharedArrayBuffer(4));
  const app = new Worker(FORGETFUL, { eval: true, workerData: ended });
  const [port] = (await once(app, 'message')) as [number];
  await using proxy = await startProxy(port);
  let answered = 0;
  for (const request of [
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nend',
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20003\r\n\r\n${'x'.repeat(20_000)}end`,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n',
  ]) {
    const talk = await connected(proxy.port);
    for (let round = 1; round <= ROUNDS; round++) {
      talk.send(request);
      // Nothing is read here until the application's end has arrived: it waits in the kernel behind the request.
      for (let seen = 0; (seen = Atomics.load(ended, 0)) < answered;)
        assert.is.not(Atomics.wait(ended, 0, seen, 60_000), 'timed-out');
      const text = await talk.until(
        ({ text: all }) => all.split('HTTP/1.1').length > round && /end$|0\r\n(X-Sum: 1\r\n)?\r\n$/.test(all),
      );
      assert.is(text.split('HTTP/1.1 200').length, round + 1, text.slice(-300));
      assert.is(
        text.endsWith(request.slice(request.indexOf('\r\n\r\n') + 4)),
        true,
        'the whole body arrived, and no other',
      );
      answered++;
    }
    talk.socket.destroy();
  }
  assert.equal(proxy.stats.failures, []);
  await app.terminate();
});

test('what an application says on an idle connection answers nothing', async () => {
  let closed = 0;
  const app = await rawApp((socket) => {
    socket.on('close', () => closed++);
    socket.on('end', () => socket.end());
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      setTimeout(() => socket.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'), 20);
    });
  });
  await using proxy = await startProxy(app.port);
  const talk = await connected(proxy.port);
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';
  for (let round = 1; round <= 3; round++) {
    talk.send(post);
    await talk.until(({ text }) => text.split('ok').length === round + 1);
    await eventually('the end of that connection', () => closed === round);
  }
  assert.not.match(talk.text, '408');
  talk.socket.destroy();
  app.close();
});

test('once an endpoint closes idle connections early, unrepeatable requests get new connections', async () => {
  let closes = true;
  const app = await rawApp((socket) => {
    socket.on('end', () => socket.end());
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      if (closes) setImmediate(() => socket.end());
    });
  });
  await using proxy = await startProxy(app.port, { idleTimeout: 60_000 });
  const talk = await connected(proxy.port);
  const send = async (method: string): Promise<void> => {
    const before = talk.text.split('ok').length;
    talk.send(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    await talk.until(({ text }) => text.split('ok').length > before);
  };
  await send('GET');
  await eventually('an end that was seen', () => app.open() === 0);
  closes = false;
  const before = app.connections();
  for (let round = 0; round < 5; round++) await send('POST');
  assert.is(app.connections() - before, 5);
  for (let round = 0; round < 5; round++) await send('GET');
  assert.is(app.connections() - before, 5);
  talk.socket.destroy();
  app.close();
});

test.run();
