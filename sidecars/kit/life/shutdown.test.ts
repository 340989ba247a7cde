import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Shutdown } from './shutdown.ts';

function make(timeout = 5000): { shutdown: Shutdown; codes: number[]; lines: string[] } {
  const codes: number[] = [];
  const lines: string[] = [];
  const line = (...args: unknown[]): void => void lines.push(String(args.at(-1)));
  const shutdown = new Shutdown({
    log: { info: line, warn: line, error: line } as never,
    timeout,
    exit: (code) => void codes.push(code),
  });
  return { shutdown, codes, lines };
}

test('steps run one after the other, in their order, and then the exit code is 0', async () => {
  const { shutdown, codes } = make();
  const order: string[] = [];
  shutdown.step('slow', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push('slow');
  });
  shutdown.step('quick', () => void order.push('quick'));
  assert.not(shutdown.started);
  await shutdown.run('test');
  assert.ok(shutdown.started);
  assert.equal(order, ['slow', 'quick']);
  assert.equal(codes, [0]);
});

test('a step that fails does not keep the others from running, and the exit code is 1', async () => {
  const { shutdown, codes, lines } = make();
  let ran = false;
  shutdown.step('bad', () => Promise.reject(new Error('no')));
  shutdown.step('good', () => void (ran = true));
  await shutdown.run('test', 3);
  assert.ok(ran);
  assert.equal(codes, [1]);
  assert.ok(lines.includes('shutdown step failed'));
});

test('a given exit code is kept when all goes well', async () => {
  const { shutdown, codes } = make();
  await shutdown.run('test', 70);
  assert.equal(codes, [70]);
});

test('a second run changes nothing', async () => {
  const { shutdown, codes } = make();
  let runs = 0;
  shutdown.step('once', () => void runs++);
  await Promise.all([shutdown.run('a'), shutdown.run('b')]);
  assert.is(runs, 1);
  assert.equal(codes, [0]);
});

test('the deadline tells the step that hangs, and forces the exit with 1', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const lines: string[] = [];
  const line = (...args: unknown[]): void => void lines.push(JSON.stringify(args[0]) + String(args.at(-1)));
  const shutdown = new Shutdown({ log: { info: line, warn: line, error: line } as never, timeout: 20, exit: resolve });
  let aborted = false;
  shutdown.step('quick', () => undefined);
  shutdown.step('hangs', (deadline) => {
    deadline.addEventListener('abort', () => (aborted = true));
    return new Promise(() => undefined);
  });
  void shutdown.run('test');
  assert.is(await promise, 1);
  assert.ok(aborted);
  assert.match(lines.at(-1)!, /"step":"hangs","timeout_ms":20.*deadline passed/);
});

/** A process that shuts down on a signal, and says when it is up and when it has begun. */
async function victim(
  step: string,
): Promise<{ child: ReturnType<typeof spawn>; said: (text: string) => Promise<void>; exit: Promise<number | null> }> {
  const program = `import { Shutdown } from ${JSON.stringify(import.meta.resolve('./shutdown.ts'))};
    const log = { info() {}, warn() {}, error() {} };
    const shutdown = new Shutdown({ log, timeout: 60000 });
    shutdown.step('step', () => { console.log('begun'); return ${step}; });
    shutdown.listen();
    setInterval(() => {}, 1000);
    console.log('up');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const said = async (text: string): Promise<void> => {
    while (!output.includes(text)) await once(child.stdout, 'data');
  };
  await said('up');
  return { child, said, exit: once(child, 'exit').then(([code]) => code as number | null) };
}

test('SIGTERM and SIGINT end the process with 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child, exit } = await victim('undefined');
    child.kill(signal);
    assert.is(await exit, 0);
  }
});

test('a second signal forces the exit with 128 and its number', async () => {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const { child, said, exit } = await victim('new Promise(() => {})');
    child.kill('SIGTERM');
    await said('begun');
    child.kill(signal);
    assert.is(await exit, code);
  }
});

test.run();
