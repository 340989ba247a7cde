/** What a client of HTTP/1 gets, and what the application is told. */
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws';
import { eventually } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { authority, dial, echo, exchange, rawApp, start, RawClient, withApp, type Running } from './test-plane.ts';

/** Run with an application that answers each connection's first bytes with a text; `close` ends it then. */
async function withText(
  answer: string,
  run: (running: Running, heard: string[]) => Promise<void>,
  { close = true, env = {} }: { close?: boolean; env?: Record<string, string> } = {},
): Promise<void> {
  const heard: string[] = [];
  const app = await rawApp((socket) => {
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk.toString('latin1'));
      socket.write(answer, 'latin1');
      if (close) socket.end();
    });
  });
  const running = await start(app.port, env);
  try {
    await run(running, heard);
  } finally {
    await running.stop();
    app.close();
  }
}

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly trailers: Record<string, string>;
  readonly version: string;
}
const echoed = (answer: string): Echo =>
  JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Echo;

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('the application is told who called, and a client cannot say it instead', async () => {
  await withApp(echo, async ({ port }) => {
    const lies = [
      'X-Forwarded-For',
      'x_forwarded_for',
      'X.Forwarded.For',
      'X-FORWARDED-HOST',
      'X-Forwarded-Anything',
      'Forwarded',
      'X-Forwarded-Client-Cert',
      'X_Forwarded-Client_Cert',
      'X-Real-IP',
      'Proxy',
    ]
      .map((name) => `${name}: lie\r\n`)
      .join('');
    const { headers } = echoed(
      await exchange(
        port,
        `GET /x?y HTTP/1.1\r\n${lies}Host: Example.test:8443\r\nConnection: close\r\nX-Other: stays\r\n\r\n`,
      ),
    );
    assert.equal(headers, {
      host: 'Example.test:8443',
      'x-other': 'stays',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'Example.test:8443',
      'x-forwarded-port': '8443',
      forwarded: 'for=127.0.0.1;host="Example.test:8443";proto=https',
    });
  });
});

test('hop-by-hop fields end here, and those that Connection names', async () => {
  await withApp(echo, async ({ port }) => {
    const { headers } = echoed(
      await exchange(
        port,
        'GET / HTTP/1.1\r\nConnection: close, X-Private, Host, Content-Length\r\nX-Private: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nHost: a\r\nX-Public: 2\r\n\r\n',
      ),
    );
    assert.equal(
      Object.keys(headers)
        .filter((name) => !/forwarded/.test(name))
        .toSorted(),
      ['host', 'x-public'],
    );
  });
  await withText(
    'HTTP/1.1 200 OK\r\nConnection: X-Inner, keep-alive\r\nX-Inner: 1\r\nKeep-Alive: timeout=5\r\nX-Outer: 2\r\nContent-Length: 2\r\n\r\nok',
    async ({ port }) => {
      assert.is(
        await exchange(port, GET, ({ text }) => text.endsWith('ok')),
        'HTTP/1.1 200 OK\r\nX-Outer: 2\r\nContent-Length: 2\r\n\r\nok',
      );
    },
  );
});

const SMUGGLED: Readonly<Record<string, string>> = {
  'both lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde',
  'bare LF': 'GET / HTTP/1.1\nHost: a\n\n',
  'obs-fold': 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n  2\r\n\r\n',
  'bad chunk size': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'blank before colon': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
  NUL: 'GET / HTTP/1.1\r\nHost: a\0\r\n\r\n',
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'bad host': 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
  'host with userinfo': 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'relative target': 'GET index.html HTTP/1.1\r\nHost: a\r\n\r\n',
  'asterisk without OPTIONS': 'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
};
for (const [name, text] of Object.entries(SMUGGLED)) {
  test(`refused with 400 and closed, before the application is asked: ${name}`, async () => {
    let asked = 0;
    await withApp(
      (incoming, response) => {
        // A head whose chunks then prove malformed may have gone out, but never as a whole request.
        incoming.on('end', () => asked++);
        incoming.on('error', () => {});
        incoming.resume();
        if (name !== 'bad chunk size') response.end();
      },
      async ({ port, metrics }) => {
        const answer = await exchange(port, `${text}GET /second HTTP/1.1\r\nHost: a\r\n\r\n`);
        assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
        assert.match(answer, /\r\nConnection: close\r\n/);
        assert.is(answer.split('HTTP/1.1 ').length, 2);
        assert.is(asked, 0);
        assert.match(await metrics(), /tls_requests_rejected_total\{reason="\w+"\} 1/);
      },
    );
  });
}

test('other refusals have their own status', async () => {
  await withApp(echo, async ({ port }) => {
    const statuses: Record<string, string> = {
      'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n': '405',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n': '501',
      'GET / HTTP/2.0\r\nHost: a\r\n\r\n': '505',
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n': '417',
      [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(17_000)}\r\n\r\n`]: '431',
      [`GET /${'a'.repeat(17_000)}`]: '431',
    };
    for (const [text, status] of Object.entries(statuses))
      assert.is((await exchange(port, text)).slice(9, 12), status, text.slice(0, 60));
  });
});

test('an absolute target counts for more than Host', async () => {
  await withApp(echo, async ({ port }) => {
    const { url, headers } = echoed(
      await exchange(port, 'GET https://real.test/p?q HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n'),
    );
    assert.is(url, '/p?q');
    assert.is(headers['host'], 'real.test');
    assert.is(headers['x-forwarded-host'], 'real.test');
    assert.is(echoed(await exchange(port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).url, '*');
  });
});

test('the application gets one Host', async () => {
  await withText('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', async ({ port }, heard) => {
    await exchange(port, 'GET https://real.test/ HTTP/1.1\r\nX: y\r\nHost: other.test\r\nConnection: close\r\n\r\n');
    assert.equal(heard[0]!.match(/^host:.*$/gim), ['Host: real.test']);
  });
});

test('pipelined requests are answered in their order, one at a time', async () => {
  let now = 0;
  let most = 0;
  await withApp(
    (incoming, response) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        response.end(incoming.url);
      });
    },
    async ({ port }) => {
      const requests = Array.from(
        { length: 20 },
        (_, index) => `GET /${index}; HTTP/1.1\r\nHost: a\r\n${index === 19 ? 'Connection: close\r\n' : ''}\r\n`,
      ).join('');
      const answer = await exchange(port, requests);
      assert.equal(
        answer.match(/\/\d+;/g),
        Array.from({ length: 20 }, (_, index) => `/${index};`),
      );
      assert.is(most, 1);
    },
  );
});

test('a request may arrive byte by byte', async () => {
  await withApp(echo, async ({ port }) => {
    const talk = new RawClient(await dial(port));
    for (const byte of 'POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n') {
      talk.send(byte);
      await new Promise((resolve) => void setImmediate(resolve));
    }
    const { body, trailers } = echoed(await talk.until(({ closed }) => closed));
    assert.is(body, 'abc');
    assert.equal(trailers, { 'x-sum': '1' });
  });
});

test('an application that speaks HTTP/1.0 and closes does not cost the client its connection', async () => {
  await withText('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello', async ({ port }) => {
    const talk = new RawClient(await dial(port));
    for (let round = 1; round <= 3; round++) {
      talk.send(GET);
      const text = await talk.until((t) => t.text.split('0\r\n\r\n').length > round);
      assert.is(
        text.split(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        ).length,
        round + 1,
      );
    }
    assert.is(talk.closed, false);
    talk.socket.destroy();
  });
});

test('a head with bare LFs, as CGI programs write it, is set right', async () => {
  await withText(
    'HTTP/1.0 200 OK\r\nServer: old\r\nContent-Type: text/plain\nContent-Length: 2\n\nok',
    async ({ port }) => {
      assert.is(
        await exchange(port, GET, ({ text }) => text.endsWith('ok')),
        'HTTP/1.1 200 OK\r\nServer: old\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok',
      );
    },
  );
});

test('an HTTP/1.0 client gets no chunks, and its connection kept only when it asks', async () => {
  await withText(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    async ({ port }) => {
      assert.is(await exchange(port, 'GET / HTTP/1.0\r\n\r\n'), 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde');
    },
  );
  await withText('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', async ({ port }) => {
    assert.is(
      await exchange(port, 'GET / HTTP/1.0\r\n\r\n'),
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    );
    assert.is(
      await exchange(port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', ({ text }) => text.endsWith('ok')),
      'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    );
  });
});

test('responses without a body end with their head', async () => {
  for (const [answer, ask] of [
    ['HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', GET],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', GET],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', GET.replace('GET', 'HEAD')],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', GET.replace('GET', 'HEAD')],
  ] as const) {
    await withText(
      answer,
      async ({ port }) => {
        const talk = new RawClient(await dial(port));
        talk.send(ask);
        await talk.until(({ text }) => text.endsWith('\r\n\r\n'));
        talk.send(ask);
        await talk.until(({ text }) => text.split('HTTP/1.1').length === 3);
        talk.socket.destroy();
      },
      { close: false },
    );
  }
});

test('an answer that is not well framed is not passed on: 502', async () => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nContent-Length: a\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n',
    '<html>no head at all</html>\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    '',
    'HTTP/1.1 200 OK\r\nCont',
    `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
  ]) {
    await withText(answer, async ({ port }) =>
      assert.is((await exchange(port, LAST)).slice(9, 12), '502', JSON.stringify(answer.slice(0, 60))),
    );
  }
});

test('a response that breaks off is not made to look whole', async () => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n',
  ]) {
    await withText(answer, async ({ port }) => {
      const text = await exchange(port, GET);
      assert.not.match(text, /\r\n0\r\n\r\n$/);
      assert.match(text, /^HTTP\/1\.1 200 OK/);
    });
  }
});

test('bytes after a response belong to nobody, and their connection is not used again', async () => {
  const app = await rawApp((socket) =>
    socket.on('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    ),
  );
  const running = await start(app.port);
  await eventually('the first look at the application', () => app.connections() === 1);
  const talk = new RawClient(await dial(running.port));
  for (let round = 2; round <= 4; round++) {
    talk.send(GET);
    await talk.until(({ text }) => text.split('HTTP/1.1').length === round && text.endsWith('ok'));
    assert.is(app.connections(), round);
  }
  assert.not.match(talk.text, 'evil');
  talk.socket.destroy();
  await running.stop();
  app.close();
});

test('an expectation is passed on, and fulfilled where the application is silent', async () => {
  const ask = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n';
  await withApp(echo, async ({ port }) => {
    const talk = new RawClient(await dial(port));
    talk.send(ask);
    assert.is(await talk.until(({ text }) => text.endsWith('\r\n\r\n')), 'HTTP/1.1 100 Continue\r\n\r\n');
    talk.send('abc');
    assert.is(echoed(await talk.until(({ closed }) => closed)).body, 'abc');
  });
  // An HTTP/1.0 application waits for a body in silence.
  const app = await rawApp((socket) => {
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.endsWith('abc')) socket.end('HTTP/1.0 200 OK\r\n\r\nthanks');
    });
  });
  const running = await start(app.port);
  for (let round = 0; round < 2; round++) {
    const talk = new RawClient(await dial(running.port));
    talk.send(ask);
    await talk.until(({ text }) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    talk.send('abc');
    assert.match(await talk.until(({ closed }) => closed), 'thanks');
  }
  await running.stop();
  app.close();
});

test('large bodies pass both ways unchanged, and nothing is gathered on the way', async () => {
  const SIZE = 24 * 1024 * 1024;
  let paused = false;
  await withApp(
    (incoming, response) => {
      if (incoming.method === 'POST') {
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          for (const byte of [chunk[0], chunk[chunk.length - 1]]) assert.is(byte, 97);
          size += chunk.length;
        });
        incoming.on('end', () => response.end(String(size)));
        return;
      }
      const chunk = Buffer.alloc(64 * 1024, 98);
      let left = SIZE;
      const more = (): void => {
        while (left > 0) {
          left -= chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      setTimeout(() => (paused = left > 0), 300);
      more();
    },
    async ({ port }) => {
      const upload = request({
        host: '127.0.0.1',
        port,
        method: 'POST',
        ca: authority.cert,
        servername: 'localhost',
        headers: { 'transfer-encoding': 'chunked' },
      });
      const piece = Buffer.alloc(100_000, 97);
      for (let sent = 0; sent < SIZE; sent += piece.length) if (!upload.write(piece)) await once(upload, 'drain');
      upload.end();
      const [uploaded] = (await once(upload, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of uploaded) text += String(chunk);
      assert.is(Number(text), Math.ceil(SIZE / piece.length) * piece.length);

      const download = request({ host: '127.0.0.1', port, ca: authority.cert, servername: 'localhost' });
      download.end();
      const [response] = (await once(download, 'response')) as [IncomingMessage];
      // The client reads nothing: the application must come to a halt too.
      await eventually('a halt', () => paused);
      let size = 0;
      for await (const chunk of response) {
        const bytes = chunk as Buffer;
        if (bytes[0] !== 98 || bytes[bytes.length - 1] !== 98) throw new Error('a byte changed');
        size += bytes.length;
      }
      assert.is(size, SIZE);
    },
  );
});

test('an early answer to a long upload is passed on, and the connection serves on', async () => {
  const app = await rawApp((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n'));
  });
  const running = await start(app.port);
  const talk = new RawClient(await dial(running.port));
  talk.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'a'.repeat(50_000)}`);
  await talk.until(({ text }) => text.includes('413'));
  talk.send('a'.repeat(150_000));
  talk.send(GET);
  await talk.until(({ text }) => text.split('413').length === 3);
  talk.socket.destroy();
  await running.stop();
  app.close();
});

test('WebSocket passes both ways', async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, incoming) => {
    socket.send(String(incoming.headers['x-forwarded-proto']));
    socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }));
  });
  const port = await listening(server);
  const running = await start(port);
  const client = new WebSocket(`wss://127.0.0.1:${running.port}/chat`, [], {
    ca: authority.cert,
    servername: 'localhost',
  } as ClientOptions);
  const [first] = (await once(client, 'message')) as [Buffer];
  assert.is(first.toString(), 'https');
  for (const size of [1, 5000, 1_000_000]) {
    client.send(Buffer.alloc(size, 7));
    const [data] = (await once(client, 'message')) as [Buffer];
    assert.is(data.length, size);
    assert.is(
      data.every((byte) => byte === 7),
      true,
    );
  }
  client.close();
  await once(client, 'close');
  await running.stop();
  sockets.close();
  server.close();
});

test('a refused upgrade is an ordinary response', async () => {
  await withText('HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno', async ({ port }, heard) => {
    const text = await exchange(
      port,
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${LAST}`,
      ({ text: t }) => t.split('no').length === 3,
    );
    assert.match(heard[0]!, /\r\nUpgrade: websocket\r\n(?:.*\r\n)*Connection: upgrade\r\n\r\n$/);
    assert.not.match(text, '101');
  });
});

test('HSTS is added once', async () => {
  await withText(
    'HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 2\r\n\r\nok',
    async ({ port }) => {
      assert.is(
        await exchange(port, GET, ({ text }) => text.endsWith('ok')),
        'HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=86400\r\nContent-Length: 2\r\n\r\nok',
      );
      assert.match(await exchange(port, 'bad\r\n\r\n'), 'Strict-Transport-Security: max-age=86400\r\n');
    },
    { env: { TLS_HSTS_MAX_AGE: '1d' } },
  );
});

test.run();
