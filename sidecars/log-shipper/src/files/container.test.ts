/** Files that container runtimes write: lines come out of their wrapping, whole, with their stream and time. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assemble } from '../lines/container-line.ts';
import { Rig, scene } from './test-rig.ts';

/** A line as the runtime hands it to its driver: in pieces, all but the last marked. */
type Wrap = (stream: string, text: string, last: boolean, at: number) => string;

const timeAt = (at: number): string => `2026-11-21T10:00:00.${String(at).padStart(9, '0')}Z`;
const wraps: Record<'docker' | 'cri', Wrap> = {
  docker: (stream, text, last, at) =>
    `${JSON.stringify({ log: text + (last ? '\n' : ''), stream, time: timeAt(at) })}\n`,
  cri: (stream, text, last, at) => `${timeAt(at)} ${stream} ${last ? 'F' : 'P'} ${text}\n`,
};

interface Stored {
  readonly message: string;
  readonly stream?: string;
  readonly '@timestamp': string;
  readonly [name: string]: unknown;
}
const stored = (rig: Rig): Stored[] => [...rig.store.values()].map(({ body }) => JSON.parse(body) as Stored);

const piece = fc.constantFrom('a', ' b', 'é', '"q"', '\\n', '\\', '{', '  at c', 'F ', '日本', '\t');
const line = fc.record({
  stream: fc.constantFrom('stdout', 'stderr'),
  pieces: fc.array(piece, { minLength: 1, maxLength: 4 }),
});

for (const format of ['docker', 'cri'] as const) {
  test(`${format}: each line of each stream is whole and in order, however reads, cuts and kills fall`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.infiniteStream(fc.boolean()),
        fc.infiniteStream(fc.nat(40)),
        async (lines, choices, steps) => {
          const rig = new Rig({ format, limit: 4096 });
          mkdirSync(rig.logs, { recursive: true });
          const path = join(rig.logs, 'a.log');
          try {
            // Each stream in its own order, one beside the other.
            const queues = ['stdout', 'stderr'].map((stream) =>
              lines
                .filter((each) => each.stream === stream)
                .flatMap(({ pieces }, number) =>
                  pieces.map((text, at) => ({
                    stream,
                    text: at === 0 ? `${number} ${text}` : text,
                    last: at === pieces.length - 1,
                  })),
                ),
            );
            let text = '';
            for (let at = 0; queues.some((each) => each.length > 0); at++) {
              const queue = queues[choices.next().value ? 0 : 1]!.length > 0 ? queues[0]! : queues[1]!;
              const next = (queue.length > 0 ? queue : queues.find((each) => each.length > 0)!).shift()!;
              text += wraps[format](next.stream, next.text, next.last, at);
            }
            const bytes = Buffer.from(text);
            for (let at = 0; at < bytes.length;) {
              const step = steps.next().value! + 1;
              appendFileSync(path, bytes.subarray(at, at + step));
              at += step;
              await rig.look();
              if (step % 3 === 0) rig.deliver(step % 5, Math.min(step % 5, step % 2));
              if (step % 11 === 0) rig.restart();
            }
            await rig.finish();
            for (const stream of ['stdout', 'stderr'])
              assert.equal(
                stored(rig)
                  .filter((each) => each.stream === stream)
                  .map(({ message }) => message),
                lines
                  .filter((each) => each.stream === stream)
                  .map(({ pieces }, number) => `${number} ${pieces.join('')}`),
              );
            assert.is(stored(rig).length, lines.length);
          } finally {
            rig.remove();
          }
        },
      ),
      { numRuns: 40, includeErrorInReport: true },
    );
  });

  scene(
    `${format}: a stack trace is one event, its time and stream are the runtime's, and JSON within is JSON`,
    async (rig, path) => {
      const wrap = wraps[format];
      appendFileSync(
        path('a.log'),
        wrap('stderr', 'E1', true, 1) +
          wrap('stderr', '  at a', true, 2) +
          wrap('stdout', '{"level":"info",', false, 3) +
          wrap('stdout', '"msg":"hello","n":1}', true, 4) +
          wrap('stderr', 'E2', true, 5) +
          'not of this format\n',
      );
      await rig.finish();
      const [first, second, third, fourth] = stored(rig);
      assert.equal([first!.message, first!.stream, first!['@timestamp']], ['E1\n  at a', 'stderr', timeAt(1)]);
      assert.equal([second!.message, second!.stream, second!['n']], ['hello', 'stdout', 1]);
      assert.is(third!.message, 'E2');
      assert.equal([fourth!.message, fourth!.stream], ['not of this format', undefined]);
    },
    { format, multiline: /^\S/ },
  );

  scene(
    `${format}: a line that is longer than all that is read at once is cut, and the next is whole`,
    async (rig, path) => {
      const wrap = wraps[format];
      const pieces = Array.from({ length: 40 }, (_, at) => wrap('stdout', 'x'.repeat(16_384), at === 39, at));
      appendFileSync(
        path('a.log'),
        `${wrap('stdout', 'before', true, 0)}${pieces.join('')}${wrap('stdout', 'after', true, 41)}`,
      );
      await rig.finish();
      const [before, long, after, ...rest] = stored(rig);
      assert.equal([before!.message, after!.message, rest], ['before', 'after', []]);
      assert.is(long!.message, 'x'.repeat(4096));
      assert.equal(long!['log.flags'], ['truncated']);
    },
    { format, limit: 4096 },
  );
}

test('pieces between many lines of the other stream take linear time', () => {
  const lines = Array.from({ length: 200_000 }, (_, at) => {
    const partial = at % 2 === 1;
    return {
      from: at,
      line: { stream: partial ? 'stderr' : 'stdout', time: undefined, text: 'x', partial, attributes: undefined },
    };
  });
  const begun = performance.now();
  assert.is(assemble(lines, false).length, 100_001);
  assert.ok(performance.now() - begun < 30_000);
});

scene(
  "docker: labels and variables that the driver adds are the container's labels",
  async (rig, path) => {
    appendFileSync(
      path('a.log'),
      `${JSON.stringify({ log: 'hello\n', stream: 'stdout', attrs: { 'com.example.team': 'shop', 'com.docker.compose.service': 'web' }, time: timeAt(1) })}\n`,
    );
    await rig.finish();
    assert.is(stored(rig)[0]!['container.labels.com_example_team'], 'shop', 'as by the forward protocol');
    assert.is(stored(rig)[0]!['service.name'], 'web');
  },
  { format: 'docker' },
);

for (const [format, wrap] of Object.entries(wraps) as ['docker' | 'cri', Wrap][]) {
  scene(
    `${format}: a line's index is that of the time that the runtime tells, not of the day on which it is read`,
    async (rig, path) => {
      const { now } = Date;
      try {
        Date.now = () => Date.parse('2026-11-25T00:01:00Z');
        writeFileSync(path('a.log'), wrap('stdout', 'one', true, 1));
        await rig.look();
        assert.equal(
          rig.waiting.map(({ index }) => index),
          ['logs-2026.11.21'],
        );
      } finally {
        Date.now = now;
      }
    },
    { format, dated: 'logs-{date}' },
  );
}

test.run();
