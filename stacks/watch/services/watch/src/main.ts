/**
 * What shows one request's way: it takes spans by OTLP on port 4318, keeps the newest in memory, and shows on port 8080
 * each trace with its log lines and exemplars, and Grafana's dashboards.
 *
 *   serve        does so
 *   dashboards   writes dashboards and rules of the sidecars' contracts to /watch
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { spansOf } from '#kit/testing/otlp.ts';
import { CONTRACTS, files } from '../../../../../tools/dashboards/command.ts';
import type { Dashboard } from '../../../../../tools/dashboards/dashboard.ts';
import { alertsPage, dashboardPage, dashboardsPage } from './dashboard-page.ts';
import { page, POLICY } from './html.ts';
import { Sources } from './sources.ts';
import { tracePage, tracesPage } from './trace-page.ts';
import { Traces } from './traces.ts';

const FOLDER = '/watch';
/** Of a request with spans, in bytes. */
const MAX_BODY = 4 * 1024 * 1024;
/** Requests that the first page shows. */
const LATEST = 50;
const TRACE = /^\/trace\/([0-9a-f]{32})(\.json)?$/;

function writeDashboards(): void {
  for (const [path, text] of Object.entries(files([...CONTRACTS.values()]))) {
    mkdirSync(dirname(join(FOLDER, path)), { recursive: true });
    writeFileSync(join(FOLDER, path), text);
  }
}

function readDashboards(): ReadonlyMap<string, Dashboard> {
  const folder = join(FOLDER, 'grafana');
  return new Map(
    readdirSync(folder).map((name) => [
      name.replace(/\.json$/, ''),
      JSON.parse(readFileSync(join(folder, name), 'utf8')) as Dashboard,
    ]),
  );
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error('the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Bigints have no JSON. */
const plain = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

function serve(): void {
  const traces = new Traces();
  const sources = new Sources(process.env['PROMETHEUS_URL'] ?? '', process.env['STORE_URL'] ?? '');
  const dashboards = readDashboards();

  const take = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (incoming.method !== 'POST' || incoming.url !== '/v1/traces') return void response.writeHead(404).end();
    try {
      traces.add(spansOf(await bodyOf(incoming), incoming.headers));
      response.end();
    } catch (error) {
      response.writeHead(400).end(`${(error as Error).message}\n`);
    }
  };

  const known = async (id: string) => {
    const [lines, exemplars] = await Promise.allSettled([sources.lines(id), sources.exemplars(id)]);
    return {
      lines: lines.status === 'fulfilled' ? lines.value : [],
      exemplars: exemplars.status === 'fulfilled' ? exemplars.value : [],
      unknown: [lines, exemplars].flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : [])),
    };
  };

  const show = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = incoming.url ?? '/';
    const html = (text: string): void =>
      void response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY })
        .end(text);
    const [, id, json] = TRACE.exec(path) ?? [];
    const trace = id === undefined ? undefined : traces.find(id);
    const dashboard = dashboards.get(path.replace('/dashboard/', ''));
    if (path === '/') html(tracesPage(traces.latest(LATEST)));
    else if (path === '/alerts') html(alertsPage(await sources.alerts()));
    else if (path === '/dashboards') html(dashboardsPage(dashboards));
    else if (dashboard) html(await dashboardPage(dashboard, sources));
    else if (trace && json !== undefined) {
      const found = JSON.stringify({ ...trace, ...(await known(trace.id)) }, plain);
      response.writeHead(200, { 'content-type': 'application/json' }).end(found);
    } else if (trace) {
      const { lines, exemplars, unknown } = await known(trace.id);
      html(tracePage(trace, lines, exemplars, unknown));
    } else response.writeHead(404, { 'content-type': 'text/html' }).end(page('Not found', '<p>Nothing is here.</p>'));
  };

  createServer((incoming, response) => void take(incoming, response)).listen(4318);
  createServer((incoming, response) => {
    show(incoming, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(`${(error as Error).message}\n`);
    });
  }).listen(8080);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}

if (process.argv[2] === 'dashboards') writeDashboards();
else serve();
