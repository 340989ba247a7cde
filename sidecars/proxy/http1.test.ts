/**
 * HTTP/1 on both sides, as the RFCs allow it and as they forbid it, cut anywhere: nothing throws,
 * nothing leaks, and what is allowed arrives as it was sent.
 */
import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { echo } from '#proxy/testing/apps.ts';
import { startProxy, type TestProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';

const RUNS = 150;
const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const token = fc.string({ unit: fc.constantFrom(...TOKEN.split('')), minLength: 1, maxLength: 12 });
const value = fc
  .string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((byte) => byte !== 0x7f)
      .map((byte) => String.fromCharCode(byte)),
    maxLength: 30,
  })
  .map((text) => text.trim());
/** Fields of nobody's special interest. */
const fields = fc.array(
  fc.tuple(
    token.map((name) => `X-${name}`),
    value,
  ),
  { maxLength: 8 },
);
const blank = fc.constantFrom('', ' ', '\t', '  ');
const body = fc.uint8Array({ maxLength: 6000 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const cuts = fc.array(fc.nat(400), { maxLength: 6 });

/** A body in chunks of these sizes, with extensions and trailers. */
const chunkedOf = (text: string, sizes: readonly number[], trailers: string): string => {
  let out = '';
  let at = 0;
  for (const size of sizes) {
    const piece = text.slice(at, at + size + 1);
    if (piece === '') break;
    out += `${piece.length.toString(16).toUpperCase()};ext="a b"\r\n${piece}\r\n`;
    at += piece.length;
  }
  const rest = text.slice(at);
  if (rest !== '') out += `${rest.length.toString(16)}\r\n${rest}\r\n`;
  return `${out}0\r\n${trailers}\r\n`;
};
const framing = fc.oneof(
  fc.constant({ kind: 'length' as const }),
  fc.record({
    kind: fc.constant('chunked' as const),
    sizes: fc.array(fc.nat(900), { maxLength: 5 }),
    trailer: fc.boolean(),
  }),
);

/** Write a text in parts, each in a turn of its own. */
async function inParts(socket: Socket, text: string, at: readonly number[]): Promise<void> {
  let from = 0;
  for (const size of at) {
    if (from + size >= text.length || socket.destroyed) break;
    socket.write(text.slice(from, from + size), 'latin1');
    from += size;
    await new Promise((resolve) => void setImmediate(resolve));
  }
  if (!socket.destroyed) socket.write(text.slice(from), 'latin1');
}

/** The end that every run must come to. */
async function nothingLeft(proxy: TestProxy, applications: () => number): Promise<void> {
  await eventually(
    'no connection left',
    () => proxy.stats.open === 0 && proxy.stats.inFlight === 0 && proxy.endpoint.active === 0,
  );
  assert.equal([proxy.stats.internalErrors, proxy.errors], [0, []]);
  proxy.endpoint.close();
  await eventually('no connection left to the application', () => applications() === 0);
}

/** An application that counts its connections. */
async function counted(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; open: () => number } & AsyncDisposable> {
  let open = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open++;
    socket.on('error', () => {});
    socket.on('close', () => open--);
    onConnection(socket);
  });
  const app = await serve(server);
  return { port: app.port, open: () => open, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

test('allowed requests arrive as they were sent, however they are cut, several on a connection', async () => {
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port);
  const request = fc.record({
    method: fc.constantFrom('POST', 'PUT', 'PATCH'),
    path: token,
    fields,
    blank,
    body,
    framing,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 3 }), cuts, async (requests, at) => {
      const text = requests
        .map((each) => {
          const head = `${each.method} /${encodeURIComponent(each.path)} HTTP/1.1\r\nhost:${each.blank}a${each.blank}\r\n${each.fields.map(([name, content]) => `${name}:${each.blank}${content}${each.blank}\r\n`).join('')}`;
          return each.framing.kind === 'length'
            ? `${head}Content-Length: ${each.body.length}\r\n\r\n${each.body}`
            : `${head}Transfer-Encoding: Chunked\r\n\r\n${chunkedOf(each.body, each.framing.sizes, each.framing.trailer ? 'X-Sum: 1\r\n' : '')}`;
        })
        .join('');
      const talk = await connected(proxy.port);
      await inParts(talk.socket, text, at);
      const answers = await talk.until(
        (each) => each.closed || (each.text.split('HTTP/1.1 200').length > requests.length && each.text.endsWith('}')),
      );
      talk.socket.destroy();
      const heard = answers
        .split('HTTP/1.1 200')
        .slice(1)
        .map(
          (answer) =>
            JSON.parse(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').toString()) as {
              method: string;
              url: string;
              body: string;
              headers: Record<string, string>;
              trailers: object;
            },
        );
      assert.is(heard.length, requests.length, answers.slice(0, 300));
      for (const [index, each] of requests.entries()) {
        const { method, url, body: got, headers, trailers } = heard[index]!;
        assert.equal([method, url, got], [each.method, `/${encodeURIComponent(each.path)}`, each.body]);
        for (const [name, content] of each.fields)
          assert.is(headers[name.toLowerCase()]?.includes(content), true, name);
        assert.equal(trailers, each.framing.kind === 'chunked' && each.framing.trailer ? { 'x-sum': '1' } : {});
      }
    }),
    { numRuns: RUNS },
  );
  await nothingLeft(proxy, () => 0);
});

test('a request whose body comes later is read on, also when it had waited for the one before', async () => {
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port);
  for (const framed of ['Content-Length: 3\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\n3\r\n']) {
    const talk = await connected(proxy.port);
    talk.send(`GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n${framed}`);
    await eventually('the second request', () => proxy.stats.statuses.length >= 1 && proxy.stats.inFlight === 1);
    talk.send(framed.startsWith('C') ? 'abc' : 'abc\r\n0\r\n\r\n');
    await talk.until(({ text }) => text.includes('"body":"abc"'));
    talk.socket.destroy();
    await eventually('the end', () => proxy.stats.open === 0);
    proxy.stats.statuses.length = 0;
  }
});

/** What a request must not be: each breaks one rule. */
const FORBIDDEN = [
  'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1 \r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost : a\r\n\r\n',
  'GET / HTTP/1.1\r\n Host: a\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n',
  'GET / HTTP/1.1\nHost: a\n\n',
  'G@T / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /# HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/9.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nx',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\x01\r\na\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX Y: 1\r\n\r\n',
  'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
] as const;

test('requests that are forbidden are refused whole, however they are cut', async () => {
  let whole = 0;
  await using app = await serve((incoming, response) => {
    incoming.on('error', () => {});
    incoming.resume();
    incoming.on('end', () => {
      whole++;
      response.end();
    });
  });
  await using proxy = await startProxy(app.port);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...FORBIDDEN), cuts, async (text, at) => {
      const talk = await connected(proxy.port);
      await inParts(talk.socket, text, at);
      const answer = await talk.until(({ closed }) => closed);
      talk.socket.destroy();
      assert.match(answer, /^HTTP\/1\.1 (?:400|405|501|505) /);
      assert.match(answer, /\r\nConnection: close\r\n/);
    }),
    { numRuns: RUNS },
  );
  assert.is(whole, 0);
  await nothingLeft(proxy, () => 0);
});

test('whatever a client sends, and wherever it stops, nothing is left', async () => {
  await using app = await counted((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    socket.on('end', () => socket.end());
  });
  await using proxy = await startProxy(app.port);
  const allowed =
    'POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nConnection: x, keep-alive\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n';
  const garbage = fc.oneof(
    fc.string({
      unit: fc.constantFrom(
        'GET ',
        '/',
        ' HTTP/1.1',
        '\r\n',
        ':',
        'Host: a',
        'Content-Length: 3',
        'Transfer-Encoding: chunked',
        '0',
        'a',
        '\r',
        '\n',
        ' ',
        '\0',
        '\xff',
      ),
      maxLength: 40,
    }),
    fc.constant(allowed + allowed),
    fc.constantFrom(...FORBIDDEN),
  );
  await fc.assert(
    fc.asyncProperty(
      garbage,
      cuts,
      fc.nat(300),
      fc.constantFrom('end', 'destroy', 'reset'),
      async (text, at, stop, how) => {
        const talk = await connected(proxy.port);
        await inParts(talk.socket, text.slice(0, stop), at);
        if (how === 'end') talk.socket.end();
        else if (how === 'destroy') talk.socket.destroy();
        else talk.socket.resetAndDestroy();
        if (how === 'end') await talk.until(({ closed }) => closed);
        talk.socket.destroy();
      },
    ),
    { numRuns: RUNS },
  );
  await nothingLeft(proxy, app.open);
});

const status = fc.oneof(fc.constantFrom(200, 204, 304, 404, 426, 599, 600, 999), fc.integer({ min: 200, max: 999 }));

test('responses that are allowed arrive as they were sent, to GET and HEAD, 1.1 and 1.0', async () => {
  let answer: { text: string; cuts: readonly number[]; close: boolean } = { text: '', cuts: [], close: false };
  await using app = await counted((socket) => {
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (!heard.endsWith('\r\n\r\n')) return;
      heard = '';
      void inParts(socket, answer.text, answer.cuts).then(() => {
        if (answer.close) socket.end();
      });
    });
    socket.on('end', () => socket.end());
  });
  await using proxy = await startProxy(app.port);
  const framings = fc.oneof(framing, fc.constant({ kind: 'close' as const }));
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        status,
        fields,
        body,
        framing: framings,
        interim: fc.boolean(),
        lf: fc.boolean(),
        head: fc.boolean(),
        old: fc.boolean(),
      }),
      cuts,
      async (each, at) => {
        const bodiless = each.head || each.status === 204 || each.status === 304;
        const end = each.lf ? '\n' : '\r\n';
        const head = `HTTP/1.1 ${each.status} Reason${end}${each.fields.map(([name, content]) => `${name}: ${content}${end}`).join('')}`;
        const interim = each.interim ? `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n` : '';
        const coded =
          each.framing.kind === 'chunked'
            ? chunkedOf(each.body, each.framing.sizes, each.framing.trailer ? 'X-Sum: 1\r\n' : '')
            : each.body;
        const framed =
          each.framing.kind === 'length'
            ? `Content-Length: ${each.body.length}${end}`
            : each.framing.kind === 'chunked'
              ? `Transfer-Encoding: chunked${end}`
              : '';
        answer = {
          text: `${interim}${head}${framed}${end}${bodiless ? '' : coded}`,
          cuts: at,
          close: each.framing.kind === 'close',
        };
        const talk = await connected(proxy.port);
        talk.send(`${each.head ? 'HEAD' : 'GET'} / HTTP/1.${each.old ? 0 : 1}\r\nHost: a\r\nConnection: close\r\n\r\n`);
        let text = await talk.until(({ closed }) => closed);
        talk.socket.destroy();
        if (each.interim && !each.old) {
          assert.match(text, /^HTTP\/1\.1 103 [^\r]*\r\nLink: <\/a>\r\n\r\n/);
          text = text.slice(text.indexOf('\r\n\r\n') + 4);
        }
        const [top = '', ...rest] = text.split('\r\n\r\n');
        const got = rest.join('\r\n\r\n');
        assert.is(Number(top.slice(9, 12)), each.status, text.slice(0, 200));
        for (const [name, content] of each.fields) assert.is(top.includes(`${name}: ${content}`), true, name);
        assert.is(/\n/.test(top.replaceAll('\r\n', '')), false, 'no bare LF');
        if (bodiless) assert.is(got, '');
        else if (/\r\ntransfer-encoding: chunked/i.test(top)) assert.is(unchunked(got), each.body);
        else assert.is(got, each.body);
      },
    ),
    { numRuns: RUNS * 2 },
  );
  await nothingLeft(proxy, app.open);
});

/** A chunked body's data; throws for what is not well formed. */
function unchunked(text: string): string {
  let data = '';
  let at = 0;
  for (;;) {
    const match = /^([0-9a-f]+)(?:;[^\r]*)?\r\n/i.exec(text.slice(at));
    if (!match) throw new Error(`no chunk at ${at} of ${JSON.stringify(text.slice(at, at + 40))}`);
    const size = parseInt(match[1]!, 16);
    at += match[0].length;
    if (size === 0) {
      if (!/^(?:[^\r]+\r\n)*\r\n$/.test(text.slice(at))) throw new Error('no end');
      return data;
    }
    data += text.slice(at, at + size);
    at += size + 2;
  }
}

test("whatever an app answers, wherever it stops: an answer, an error or an end, never another's", async () => {
  let answer: { text: string; cuts: readonly number[]; how: string } = { text: '', cuts: [], how: 'end' };
  await using app = await counted((socket) => {
    socket.on('data', () => {
      const { how } = answer;
      void inParts(socket, answer.text, answer.cuts).then(() => {
        if (how === 'end') socket.end();
        else if (how === 'destroy') socket.destroy();
        else socket.resetAndDestroy();
      });
    });
    socket.on('end', () => socket.end());
  });
  await using proxy = await startProxy(app.port, { settings: { idleTimeout: 1000, responseTimeout: 1000 } });
  const garbage = fc.oneof(
    fc.string({
      unit: fc.constantFrom(
        'HTTP/1.1 200 OK',
        'HTTP/1.1 101 S',
        'HTTP/1.1 100 C',
        '\r\n',
        ':',
        'Upgrade: x',
        'Content-Length: 3',
        'Transfer-Encoding: chunked',
        '0',
        '3',
        'abc',
        '\r',
        '\n',
        ' ',
        '\0',
        '\xff',
      ),
      maxLength: 40,
    }),
    fc.constant('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n'),
    fc.constant('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    fc.constantFrom(
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'HTTP/1.1 1000 OK\r\n\r\n',
      'HTTP/1.1 099 OK\r\n\r\n',
      'HTTP/2 200 OK\r\n\r\n',
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      garbage,
      cuts,
      fc.nat(300),
      fc.constantFrom('end', 'destroy', 'reset'),
      async (text, at, stop, how) => {
        answer = { text: text.slice(0, stop), cuts: at, how };
        const talk = await connected(proxy.port);
        talk.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        const got = await talk.until(({ closed }) => closed);
        talk.socket.destroy();
        assert.not.match(got, 'evil');
      },
    ),
    { numRuns: RUNS * 2 },
  );
  await nothingLeft(proxy, app.open);
});

test.run();
