/** The load generators, run in the benchmark's pod. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Project } from '../lib/compose.ts';
import { corpusScript, corpusUrls, SCRIPT } from './corpus.ts';
import { percentile } from './measurement.ts';

const CONNECTIONS = 32;
const LOG = '/tmp/h2load.log';

export interface WrkOptions {
  readonly url: string;
  readonly seconds: number;
  /** A connection for each request. */
  readonly close?: boolean;
  /** Default 32. */
  readonly connections?: number;
  /** Of each request, such as `Cookie: a=b`. */
  readonly headers?: readonly string[];
  /** Whether requests differ in their queries, too, and not in their fields alone. Default true. */
  readonly queries?: boolean;
}

/**
 * Requests a second by wrk from one thread: those of a corpus, in turn.
 * @throws when wrk saw socket errors or answers other than 2xx
 */
export async function wrk(
  project: Project,
  { url, seconds, close = false, connections = CONNECTIONS, headers = [], queries = true }: WrkOptions,
): Promise<number> {
  const fields = [...headers, ...(close ? ['Connection: close'] : [])].flatMap((each) => ['-H', each]);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', SCRIPT, ...fields, url];
  const output = await project.exec('load', ['bash', '-c', `cat > ${SCRIPT} && exec wrk "$@"`, 'wrk', ...args], {
    timeoutMs: (seconds + 20) * 1000,
    input: corpusScript(queries),
  });
  const wrong = /Non-2xx.*|Socket errors: (?!connect 0, read \d+, write 0, timeout 0).*/.exec(output)?.[0];
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(output)?.[1];
  // wrk counts the server's close after `Connection: close` as a read error.
  if (wrong || rate === undefined || (!close && /Socket errors/.test(output)))
    throw new Error(`wrk ${url}: ${wrong ?? output}`);
  return Number(rate);
}

/** What makes a request a gRPC call. */
const CALL = ['-d', '/srv/bench/call', '-H', 'content-type: application/grpc', '-H', 'te: trailers'];
/** Of gRPC calls nginx fails a few of ten thousand, where its upstream is nginx too. */
const TOLERATED = 0.001;
/** Streams of each HTTP/2 connection. */
const STREAMS = 10;

/** A call is one resource; of other requests h2load gets a corpus of URLs, and sends them in turn. */
const targetOf = (url: string, call: boolean): { args: string[]; input?: string } =>
  call ? { args: [url] } : { args: ['--input-file=-'], input: corpusUrls(url).join('\n') };

/**
 * Requests a second by h2load over HTTP/2, 10 streams on each of 32 connections where nothing else is said.
 * @param call makes each request a gRPC call of a small message
 * @throws when more than one in a thousand failed, or was answered with anything but 2xx
 */
export async function h2load(
  project: Project,
  {
    url,
    seconds,
    call = false,
    connections = CONNECTIONS,
    streams = STREAMS,
  }: { url: string; seconds: number; call?: boolean; connections?: number; streams?: number },
): Promise<number> {
  const { args, ...sent } = targetOf(url, call);
  const output = await project.exec(
    'load',
    ['h2load', '-t1', `-c${connections}`, `-m${streams}`, `-D${seconds}`, ...(call ? CALL : []), ...args],
    { timeoutMs: (seconds + 20) * 1000, ...sent },
  );
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(output)?.[1];
  const [done = 0, succeeded = 0] = [...output.matchAll(/(\d+) (?:done|succeeded)/g)].map(([, digits]) =>
    Number(digits),
  );
  if (rate === undefined || done === 0 || done - succeeded > done * TOLERATED)
    throw new Error(`h2load ${url}: ${output}`);
  return Number(rate);
}

/**
 * Latencies in milliseconds of requests at a fixed rate, by h2load over HTTP/1.1. They come one by one: each
 * connection keeps its own pace, and begins with it when it is made, so the connections are made one after the other
 * within the time between two requests of one. Made at once, all of them would send at once again and again, and what
 * is measured is how long the last one of a burst waits for the others.
 * @param rate requests a second, of all connections together
 * @param call over HTTP/2 instead, each request a gRPC call of a small message
 */
export async function latencies(
  project: Project,
  {
    url,
    seconds,
    rate,
    connections = CONNECTIONS,
    call = false,
    headers = [],
  }: {
    url: string;
    seconds: number;
    rate: number;
    connections?: number;
    call?: boolean;
    headers?: readonly string[];
  },
): Promise<{ p50: number; p90: number; p99: number }> {
  const total = Math.ceil((rate * seconds) / connections) * connections;
  const together = Math.ceil(rate / 1000);
  const target = targetOf(url, call);
  const args = [
    'h2load',
    ...(call ? CALL : ['--h1']),
    `-c${connections}`,
    '-t1',
    `-n${total}`,
    `--rps=${rate / connections}`,
    `-r${together}`,
    `--rate-period=${Math.round((1000 * together) / rate)}ms`,
    `--log-file=${LOG}`,
    ...headers.flatMap((each) => ['-H', each]),
    ...target.args,
  ];
  const output = await project.exec('load', args, {
    timeoutMs: (seconds + 20) * 1000,
    ...(target.input !== undefined && { input: target.input }),
  });
  const log = await project.exec('load', ['bash', '-c', `cat ${LOG} && rm ${LOG}`]);
  // Each line: start in microseconds, status, duration in microseconds.
  const fields = log.split('\n').map((line) => line.split('\t'));
  const wrong = fields.find(([, status]) => status !== '200');
  if (wrong || fields.length < total)
    throw new Error(`h2load ${url}: status ${wrong?.[1]}, ${fields.length} requests\n${output}`);
  const times = fields.map(([, , duration]) => Number(duration) / 1000);
  return { p50: percentile(times, 0.5), p90: percentile(times, 0.9), p99: percentile(times, 0.99) };
}

/**
 * Keep connections open that do nothing.
 * @returns most resident memory in MB of a service while they are open, and what is left 10 s after they closed
 * @throws when not all could be opened
 */
export async function idleMb(
  project: Project,
  { service, port, connections }: { service: string; port: number; connections: number },
): Promise<{ open: number; after: number }> {
  const HELD = 4;
  const LET_GO = 10_000;
  const client = project.exec('idle', ['node', '/idle.mjs', String(port), String(connections), String(HELD)], {
    timeoutMs: 180_000,
  });
  let ended = false;
  const over = client.finally(() => (ended = true));
  over.catch(() => undefined);
  let open = 0;
  while (!ended) {
    open = Math.max(open, (await memoryMb(project, service)).rss);
    await sleep(250);
  }
  const output = await over;
  if (!output.includes(`open ${connections}`)) throw new Error(`not all of ${connections} connections: ${output}`);
  await sleep(LET_GO);
  return { open, after: (await memoryMb(project, service)).rss };
}

/** Memory in MB. */
export interface Memory {
  readonly rss: number;
  /** The same with pages that processes share divided among them: Node's program file, the page cache's pages of it. */
  readonly pss: number;
}

/** Memory of all processes of a service, but its init and the one that looks. Source: proc_pid_smaps(5). */
export async function memoryMb(project: Project, service: string): Promise<Memory> {
  const text = await project.exec(service, [
    'bash',
    '-c',
    'for p in /proc/[0-9]*; do [[ $p == /proc/1 || $p == /proc/$$ ]] || cat $p/smaps_rollup 2>/dev/null; done; true',
  ]);
  const sum = (field: string): number =>
    [...text.matchAll(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'gm'))].reduce(
      (total, [, kilobytes]) => total + Number(kilobytes) / 1024,
      0,
    );
  const memory = { rss: sum('Rss'), pss: sum('Pss') };
  if (memory.rss === 0) throw new Error(`the memory of ${service} cannot be read`);
  return memory;
}
