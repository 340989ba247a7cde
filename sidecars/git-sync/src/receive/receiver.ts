/** The port for push webhooks. Nobody else's word is taken for anything here. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { GrowingBuffer } from '#kit/net/growing-buffer.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { limitConnections } from '#kit/net/connection-limit.ts';
import { listen } from '#kit/net/listen.ts';
import type { Progress } from './progress.ts';
import { authenticate } from './authentic.ts';
import { Budget } from './budget.ts';
import { Deliveries } from './deliveries.ts';
import { Followers, waitOf, type Pushed } from './follow.ts';
import { movesRef, deliveryId, isPush, parsePush } from './push.ts';

const { createServer } = process.getBuiltinModule('node:http');

/** As many clients may hold a body of the largest size at the same time, each one of them. */
const AT_ONCE = 4;
const BODY_TIMEOUT = 10_000;

export type Verdict = 'accepted' | 'ignored' | 'unsigned' | 'replayed' | 'malformed' | 'oversized' | 'busy';

const STATUS: Readonly<Record<Verdict, number>> = {
  accepted: 202,
  ignored: 204,
  unsigned: 401,
  replayed: 409,
  malformed: 400,
  oversized: 413,
  busy: 503,
};
const TEXT: Readonly<Record<Verdict, string>> = {
  accepted: 'syncing',
  ignored: '',
  unsigned: 'no valid signature or token',
  replayed: 'this delivery was received before, or is too old',
  malformed: 'not a push event that can be read',
  oversized: 'the body is too large',
  busy: 'it took too long, and others needed the room',
};

export interface ReceiverOptions {
  readonly address: string;
  readonly port: number;
  readonly secretFile: string;
  readonly maxBody: number;
  /** The ref that is followed. */
  readonly ref: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly count: (verdict: Verdict) => void;
  readonly progress: Progress;
  /** A push of that ref arrived. */
  readonly onPush: () => void;
}

/**
 * Receive webhooks.
 * @throws {ConfigurationError} when the port cannot be had
 */
export async function receive(options: ReceiverOptions): Promise<Server> {
  const deliveries = new Deliveries();
  const budget = new Budget(options.maxBody * AT_ONCE, options.maxBody);
  const followers = new Followers(options.progress);
  const server = createServer(
    {
      requestTimeout: BODY_TIMEOUT,
      headersTimeout: BODY_TIMEOUT,
      connectionsCheckingInterval: 2000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      if (request.method !== 'POST') {
        response.writeHead(405, { allow: 'POST', connection: 'close' }).end();
        request.resume();
        return;
      }
      void handle(request, options, deliveries, budget)
        .then((handled) => {
          const { verdict, follow } = typeof handled === 'string' ? { verdict: handled } : handled;
          note(options, request, verdict);
          if (follow && followers.hasRoom) followers.tell(response, follow.push, follow.seconds);
          else answer(request, response, verdict);
          // After the answer has begun, so that nothing of what follows is missed.
          if (verdict === 'accepted') options.onPush();
        })
        .catch(() => void response.destroy());
    },
  );
  limitConnections(server, 64);
  await listen(server, { port: options.port, host: options.address }, 'GITSYNC_RECEIVE_PORT');
  return server;
}

async function handle(
  request: IncomingMessage,
  options: ReceiverOptions,
  deliveries: Deliveries,
  budget: Budget,
): Promise<Verdict | Accepted> {
  const body = await readBody(request, options.maxBody, budget);
  if (typeof body === 'string') return body;
  const forge = authenticate(request.headers, body, readSecret(options));
  if (forge === undefined) return 'unsigned';
  if (!isPush(forge, request.headers)) return 'ignored';
  const push = parsePush(body, request.headers['content-type']);
  if (push === undefined) return 'malformed';
  const signed = forge === 'gitlab' ? undefined : body;
  if (deliveries.isReplay(deliveryId(forge, request.headers), signed, push.sentAt)) return 'replayed';
  if (!movesRef(push, options.ref)) return 'ignored';
  const seconds = waitOf(request.headers['prefer']);
  const { ref, after } = push;
  return {
    verdict: 'accepted',
    ...(seconds !== undefined && after !== undefined && { follow: { push: { ref, after }, seconds } }),
  };
}

/** A push, whose sender may want to know what becomes of it. */
interface Accepted {
  readonly verdict: 'accepted';
  readonly follow?: { readonly push: Pushed; readonly seconds: number };
}

function note({ log, count }: ReceiverOptions, request: IncomingMessage, verdict: Verdict): void {
  count(verdict);
  const at = { from: request.socket.remoteAddress, verdict };
  if (verdict === 'accepted' || verdict === 'ignored') log.info(at, 'webhook');
  else log.warn(at, `webhook refused: ${TEXT[verdict]}`);
}

function answer(request: IncomingMessage, response: ServerResponse, verdict: Verdict): void {
  const headers = {
    'content-type': 'text/plain',
    ...(verdict === 'oversized' || verdict === 'busy' ? { connection: 'close' } : {}),
  };
  response.writeHead(STATUS[verdict], headers).end(verdict === 'ignored' ? undefined : `${TEXT[verdict]}\n`);
  // What is left of a body that nobody wants.
  if (!request.complete) request.resume();
}

/** @returns the whole body, or why it was not read to its end */
async function readBody(request: IncomingMessage, max: number, budget: Budget): Promise<Buffer | 'oversized' | 'busy'> {
  if (Number(request.headers['content-length'] ?? 0) > max) return 'oversized';
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | 'oversized' | 'busy'>();
  const holding = budget.open(request.socket.remoteAddress ?? '', () => resolve('busy'));
  let body: GrowingBuffer | undefined = new GrowingBuffer();
  request.on('data', (piece: Buffer) => {
    if (holding.bytes + piece.length > max) return resolve('oversized');
    body?.add(piece);
    budget.take(holding, piece.length);
  });
  request.once('end', () => resolve(body?.bytes ?? Buffer.of()));
  request.once('error', reject);
  request.once('close', () => reject(new Error('the sender went away')));
  try {
    return await promise;
  } finally {
    request.removeAllListeners('data');
    budget.close(holding);
    // What an evicted body held is free now, not when its request is.
    body = undefined;
  }
}

/** Read at each webhook, so that a rotated secret counts at once; without one nothing is proven. */
function readSecret({ secretFile, log }: ReceiverOptions): string {
  try {
    return readFileSync(secretFile, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    log.error({ path: secretFile, reason: (error as Error).message }, 'GITSYNC_RECEIVE_SECRET_FILE cannot be read');
    return '';
  }
}
