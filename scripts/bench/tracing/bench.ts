/**
 * What tracing costs the tls sidecar: CPU of its process for a request, without a collector, with 1 % of the traces
 * sampled, and with all. CPU is what the sidecar itself counts, so that other work on the machine matters little.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { median, medianInterval, type Bench, type Measurement } from '../measurement.ts';

const SIDECAR = join(import.meta.dirname, '../../../sidecars/tls/src/main.ts');
const CONNECTIONS = 16;
/** Of a slice: short ones alternate often, so that what a neighbour does hits all sides alike. */
const REQUESTS = 4000;
/** So many slices of each side are a round. */
const SLICES = 5;
const WARM_UP = 3;
/** The most that 1 % may cost: 2 % of the throughput. */
const LIMIT = 1 / 0.98;
const REQUEST = 'GET /a HTTP/1.1\r\nHost: shop\r\n\r\n';

/** `again` is a second one without tracing: how far two that are alike lie apart. */
const SIDES = {
  off: {},
  again: {},
  percent: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' },
  all: { OTEL_TRACES_SAMPLER: 'always_on' },
} as const;
type Side = keyof typeof SIDES;
const NAMES = Object.keys(SIDES) as Side[];

interface Running {
  readonly program: Program;
  readonly port: number;
}

export const bench: Bench = async ({ rounds, signal, progress }) => {
  await using app = await serve((_request, response) => void response.end('ok'));
  await using collector = await startCollector();
  const running = {} as Record<Side, Running>;
  for (const side of NAMES) {
    const port = await freePort();
    const sampler = SIDES[side];
    const traced = 'OTEL_TRACES_SAMPLER' in sampler && { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...sampler };
    const program = await startProgram([SIDECAR], {
      PROXY_PORT: String(app.port),
      TLS_LISTEN_ADDRESS: '127.0.0.1',
      TLS_LISTEN_PORT: String(port),
      TLS_STATE_DIR: temporaryDirectory('bench-tracing'),
      LOG_LEVEL: 'warn',
      ...traced,
    });
    await program.up();
    running[side] = { program, port };
  }
  const spent: Record<Side, number[]> = { off: [], again: [], percent: [], all: [] };
  try {
    for (let slice = 0; slice < WARM_UP; slice++) for (const side of NAMES) await microseconds(running[side]);
    for (let round = 1; round <= rounds; round++) {
      for (let slice = 0; slice < SLICES; slice++) {
        signal.throwIfAborted();
        // Each side is first as often as the others.
        const first = slice % NAMES.length;
        for (const side of [...NAMES.slice(first), ...NAMES.slice(0, first)])
          spent[side].push(await microseconds(running[side]));
      }
      progress(
        `round ${round} of ${rounds}: ${NAMES.map((side) => `${side} ${median(spent[side]).toFixed(1)} µs`).join(', ')}`,
      );
    }
  } finally {
    for (const side of NAMES) await running[side].program.stop();
  }
  return [measured('again', LIMIT), measured('percent', LIMIT), measured('all', undefined)];

  function measured(side: Side, limit: number | undefined): Measurement {
    // Of slices of the same moment, since the clock of the processor changes; a cost is one only where it is certain.
    const ratios = spent[side].map((value, index) => spent.off[index]! / value);
    const [least, most] = medianInterval(ratios);
    const interval = `95 %: ${least.toFixed(3)} to ${most.toFixed(3)}`;
    return {
      bench: 'tracing',
      metric: `cpu_request_${side}_us`,
      ours: Number(median(spent[side]).toFixed(2)),
      peer: 'off',
      theirs: Number(median(spent.off).toFixed(2)),
      ratio: Number(median(ratios).toFixed(3)),
      target: limit === undefined ? interval : `>= ${(1 / limit).toFixed(2)}; ${interval}`,
      ...(limit !== undefined && { reached: least >= 1 / limit }),
    };
  }
};

/** CPU of the sidecar for one request, in microseconds. */
async function microseconds({ program, port }: Running): Promise<number> {
  const before = await cpuSeconds(program);
  await Promise.all(Array.from({ length: CONNECTIONS }, () => load(port, REQUESTS / CONNECTIONS)));
  return (((await cpuSeconds(program)) - before) / REQUESTS) * 1e6;
}

async function cpuSeconds(program: Program): Promise<number> {
  const { text } = await program.get('/metrics');
  return Number(/^process_cpu_seconds_total (.+)$/m.exec(text)![1]);
}

/** One request after the other on one connection. */
async function load(port: number, count: number): Promise<void> {
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  let left = count;
  const done = Promise.withResolvers<void>();
  let tail = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    tail += text;
    if (!tail.endsWith('\r\n\r\nok')) return;
    tail = '';
    left -= 1;
    if (left === 0) done.resolve();
    else socket.write(REQUEST);
  });
  socket.on('error', done.reject).on('close', () => done.reject(new Error('the sidecar closed a connection')));
  socket.write(REQUEST);
  await done.promise;
  socket.destroy();
}
