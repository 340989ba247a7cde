/** One call of each protocol of the checks. */
import { connect as connectHttp2 } from 'node:http2';
import { type IncomingHttpHeaders, request as requestHttp1 } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import pg from 'pg';
import { WebSocket } from 'ws';
import { grpcClient, sayByGrpc } from './grpc.ts';
import { readAll } from './read-all.ts';

export type Protocol = 'http/1.0' | 'http/1.1' | 'http/2' | 'grpc' | 'websocket' | 'server-first' | 'postgres' | 'mtls';

export interface Call {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  /** Default `/`; sent as it stands. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of PostgreSQL: the password. */
  readonly password?: string;
  /** Of `mtls`, which is HTTP/1.1 as proxies of the mesh speak it to each other: what the client shows, PEM. */
  readonly shown?: { readonly cert: string; readonly key: string };
  /** Of `mtls`: the answer goes on for ever, and this in it is enough. */
  readonly until?: string;
  /** Default 60 s: more than a busy machine needs. */
  readonly timeoutMs?: number;
}

export interface Outcome {
  /** The protocol's own word for success: a 2xx status, an answer with the right content. */
  readonly ok: boolean;
  readonly status?: number;
  readonly headers?: IncomingHttpHeaders;
  readonly text?: string;
  /** Why there was no answer at all. */
  readonly error?: string;
  readonly ms: number;
}

type Answer = Omit<Outcome, 'ms'>;

/** Each after the other, in the order of the list. */
export async function callAll(calls: readonly Call[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const call of calls) outcomes.push(await callOnce(call));
  return outcomes;
}

async function callOnce(call: Call): Promise<Outcome> {
  const begun = performance.now();
  const timeoutMs = call.timeoutMs ?? 60_000;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const answer = await Promise.race([BY_PROTOCOL[call.protocol](call, timeoutMs), late.promise]).catch(
    (error: unknown): Answer => ({ ok: false, error: messageOf(error) }),
  );
  clearTimeout(timer);
  return { ...answer, ms: Math.round(performance.now() - begun) };
}

/** An error of several attempts has an empty message of its own. */
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  const { code } = error as NodeJS.ErrnoException;
  return `${error instanceof Error ? error.message : String(error)}${code === undefined ? '' : ` (${code})`}`;
};

const BY_PROTOCOL: Readonly<Record<Protocol, (call: Call, timeoutMs: number) => Promise<Answer>>> = {
  'http/1.0': overHttp10,
  'http/1.1': overHttp11,
  'http/2': overHttp2,
  grpc: overGrpc,
  websocket: overWebSocket,
  'server-first': serverFirst,
  postgres: overPostgres,
  mtls: overMtls,
};

const hostOf = ({ host, port }: Call): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** By hand: Node's client knows no HTTP/1.0. The answer ends with the connection. */
async function overHttp10(call: Call): Promise<Answer> {
  const { host, port, path = '/', method = 'GET', headers = {} } = call;
  const socket = connect({ host, port });
  const lines = Object.entries({ Host: hostOf(call), ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/1.0\r\n${lines.join('')}\r\n`);
  return answerOf((await readAll(socket)).toString());
}

/** A whole message, without chunks. */
function answerOf(text: string): Answer {
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]);
  if (!status) return { ok: false, error: `no HTTP: ${text.slice(0, 200)}` };
  const end = text.indexOf('\r\n\r\n');
  return { ok: isGood(status), status, text: text.slice(end + 4) };
}

const isGood = (status: number): boolean => status >= 200 && status < 300;

/** The server is not looked at: it is the client that is tried out. */
async function overMtls({ host, port, path = '/', shown, until }: Call): Promise<Answer> {
  const socket = connectTls({ host, port, ...shown, ALPNProtocols: ['mesh-http/1.1'], rejectUnauthorized: false });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n`);
  if (until === undefined) return answerOf((await readAll(socket)).toString());
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes(until)) break;
  }
  return answerOf(text);
}

async function overHttp11(call: Call): Promise<Answer> {
  const { host, port, path = '/', method = 'GET', headers = {}, body } = call;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = requestHttp1(
    { host, port, path, method, headers: { host: hostOf(call), ...headers } },
    (response) => {
      const status = response.statusCode!;
      readAll(response).then(
        (bytes) => resolve({ ok: isGood(status), status, headers: response.headers, text: bytes.toString() }),
        reject,
      );
    },
  );
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

async function overHttp2(call: Call): Promise<Answer> {
  const { path = '/', method = 'GET', headers = {}, body } = call;
  const session = connectHttp2(`http://${hostOf(call)}`);
  try {
    const failed = once(session, 'error').then(([error]) => Promise.reject(error as Error));
    const stream = session.request({ ':path': path, ':method': method, ...headers });
    const answer = (async (): Promise<Answer> => {
      const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }];
      const status = head[':status'];
      return { ok: isGood(status), status, headers: head, text: (await readAll(stream)).toString() };
    })();
    stream.end(body);
    failed.catch(() => undefined);
    return await Promise.race([answer, failed]);
  } finally {
    session.destroy();
  }
}

async function overGrpc(call: Call, timeoutMs: number): Promise<Answer> {
  const client = grpcClient(hostOf(call));
  try {
    const echo = await sayByGrpc(client, 'hello', { ...(call.headers && { headers: call.headers }), timeoutMs });
    return { ok: echo.said === 'hello', text: JSON.stringify(echo) };
  } finally {
    client.close();
  }
}

async function overWebSocket(call: Call): Promise<Answer> {
  const socket = new WebSocket(`ws://${hostOf(call)}${call.path ?? '/'}`, { headers: { ...call.headers } });
  try {
    await once(socket, 'open');
    socket.send('hello');
    const [data] = (await once(socket, 'message')) as [Buffer];
    const text = data.toString();
    return { ok: text.endsWith(': hello'), text };
  } finally {
    socket.terminate();
  }
}

/** Waits for the server's greeting before it says a word, as clients of SMTP and MySQL do. */
async function serverFirst({ host, port, body = 'hello' }: Call): Promise<Answer> {
  const socket = connect({ host, port });
  try {
    const greeting = await nextText(socket);
    socket.write(`${body}\r\n`);
    const answer = await nextText(socket);
    return { ok: /^220 .+ ready/.test(greeting) && answer === `${body}\r\n`, text: greeting.trim() };
  } finally {
    socket.destroy();
  }
}

async function nextText(socket: ReturnType<typeof connect>): Promise<string> {
  const ended = once(socket, 'end').then(() => Promise.reject(new Error('closed without a word')));
  ended.catch(() => undefined);
  const [data] = (await Promise.race([once(socket, 'data'), ended])) as [Buffer];
  return data.toString();
}

async function overPostgres({ host, port, password, timeoutMs = 60_000 }: Call): Promise<Answer> {
  const client = new pg.Client({
    host,
    port,
    user: 'shop',
    database: 'shop',
    password: password ?? '',
    connectionTimeoutMillis: timeoutMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ answer: number }>('SELECT 6 * 7 AS answer');
    return { ok: rows[0]?.answer === 42, text: String(rows[0]?.answer) };
  } finally {
    await client.end().catch(() => undefined);
  }
}
