/** The page's server: the page, its events out, its wishes in. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { explain } from '#kit/text/explain.ts';
import { listen } from '#kit/net/listen.ts';
import { SECURITY_HEADERS } from '../../sidecars/topz/src/view/page.ts';
import type { Admission } from './admission.ts';
import type { Cluster } from './cluster.ts';
import { serviceOf } from './containers.ts';
import { slidesIn } from '../course/slides.ts';
import { isLanguage, LANGUAGES } from '../languages/languages.ts';
import { reasonOf } from '../languages/reasons.ts';
import { FAULTS, type FaultKind } from './document.ts';
import { event, type Events, MOST_PAGES, open } from './events.ts';
import { ACTIONS, type Action, type Lessons } from './lessons.ts';
import { html } from './html.ts';
import { followLog } from './log-tail.ts';

/** A wish is short, in bytes. */
const MOST_BODY = 4096;
/** Milliseconds for a request to come in whole. */
const PATIENCE = 5000;

export interface ServerParts {
  readonly port: number;
  readonly admission: Admission;
  readonly cluster: Cluster;
  readonly events: Events;
  readonly lessons: Lessons;
  readonly assets: { readonly script: string; readonly style: string };
}

/** What a wish asks for and cannot have: the message is for the page. */
class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Serve the page on 127.0.0.1.
 * @throws {ConfigurationError} when the port cannot be had
 */
export async function serve(parts: ServerParts): Promise<Server> {
  const server = createServer({ requestTimeout: PATIENCE }, (request, response) => {
    void answer(parts, request, response).catch((error: unknown) => {
      const status = error instanceof Refused ? error.status : 500;
      if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify({ error: explain(error) })}\n`);
    });
  });
  server.maxConnections = 4 * MOST_PAGES;
  await listen(server, { port: parts.port, host: '127.0.0.1' }, '--port');
  parts.admission.listens((server.address() as AddressInfo).port);
  return server;
}

async function answer(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { admission, events, lessons } = parts;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const url = new URL(`http://page${request.url?.startsWith('/') ? request.url : '/'}`);
  const token = url.searchParams.get('token');
  const exchange = url.pathname === '/' && token !== null && request.method === 'GET';
  const refusal = admission.refuse(request, exchange);
  if (refusal) throw new Refused(refusal.status, refusal.message);
  if (exchange) {
    if (!admission.isToken(token)) throw new Refused(401, 'this is not the token that the server printed');
    response.writeHead(303, { location: '/', 'set-cookie': admission.cookie }).end();
    return;
  }
  const send = (type: string, body: string): void => void response.writeHead(200, { 'content-type': type }).end(body);
  if (request.method === 'POST') {
    await obey(parts, url.pathname, await body(request));
    response.writeHead(204).end();
    return;
  }
  switch (url.pathname) {
    case '/':
      return send('text/html; charset=utf-8', html(lessons.language));
    case '/page.js':
      return send('text/javascript; charset=utf-8', parts.assets.script);
    case '/page.css':
      return send('text/css; charset=utf-8', parts.assets.style);
    case '/events':
      if (events.full) throw new Refused(503, 'too many pages are open');
      return events.add(response);
    case '/log':
      return await log(parts, url.searchParams.get('id') ?? '', response);
    case '/progress.json':
      return send('application/json', `${JSON.stringify({ goals: lessons.course().goals }, undefined, 2)}\n`);
    case '/notes':
      return send('application/json', JSON.stringify({ slides: slidesIn(lessons.language) }));
    default:
      throw new Refused(404, 'there is nothing here');
  }
}

/** Carry out a wish. */
async function obey(
  { cluster, lessons }: ServerParts,
  path: string,
  wish: Readonly<Record<string, unknown>>,
): Promise<void> {
  const text = (name: string): string => {
    const value = wish[name];
    if (typeof value !== 'string') throw new Refused(400, `${name} is missing`);
    return value;
  };
  if (path === '/fault') {
    const kind = FAULTS.find((each) => each === wish['kind']) as FaultKind | undefined;
    if (!kind) throw new Refused(400, `kind is one of ${FAULTS.join(', ')}`);
    const container = shownContainer(cluster, text('id'));
    await cluster.faults.make(kind, container, cluster.shown, cluster.limits).catch((error: unknown) => {
      throw new Refused(409, `${serviceOf(container)}: ${explain(error)}`);
    });
    lessons.soon();
  } else if (path === '/show') {
    const project = text('project');
    if (!cluster.document().others.includes(project)) throw new Refused(404, 'no such project is up');
    cluster.wanted.add(project);
    cluster.refresh();
  } else if (path === '/exercise') {
    const action = ACTIONS.find((each) => each === wish['action']) as Action | undefined;
    if (!action) throw new Refused(400, `action is one of ${ACTIONS.join(', ')}`);
    try {
      lessons.act(text('name'), action);
    } catch (error) {
      throw error instanceof Refused ? error : new Refused(409, reasonOf(error).in(lessons.language));
    }
  } else if (path === '/language') {
    const { language } = wish;
    if (!isLanguage(language)) throw new Refused(400, `language is one of ${Object.keys(LANGUAGES).join(', ')}`);
    lessons.language = language;
  } else if (path === '/quiz') {
    try {
      lessons.answer(text('question'), typeof wish['option'] === 'number' ? wish['option'] : -1);
    } catch (error) {
      throw error instanceof Refused ? error : new Refused(404, explain(error));
    }
  } else throw new Refused(404, 'there is nothing here');
}

/** Only what the page shows: an id of anything else is refused as one that does not exist. */
function shownContainer(cluster: Cluster, id: string) {
  const container = cluster.shown.find(({ Id }) => Id === id);
  if (!container) throw new Refused(404, 'no such container is shown');
  return container;
}

async function log({ cluster }: ServerParts, id: string, response: ServerResponse): Promise<void> {
  const shown = cluster.shown.find(({ Id }) => Id === id);
  if (!shown) {
    // A browser that followed a container which is gone asks no more (HTML standard, 9.2.3).
    response.writeHead(204).end();
    return;
  }
  const { api } = cluster;
  if (!api) throw new Refused(503, 'the engine is away');
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  open(response);
  await followLog(api, shown.Id, (portion) => response.write(event('lines', portion)), gone.signal);
  // The container has ended; the page asks again when it has come back.
  response.end(event('end', {}));
}

async function body(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MOST_BODY) throw new Refused(413, `a wish has at most ${MOST_BODY} bytes`);
    pieces.push(piece);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(pieces).toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new Refused(400, 'a wish is a JSON object');
}
