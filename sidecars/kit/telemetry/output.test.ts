/** The reader of a sidecar's output may be slow, hang, or be gone: the sidecar goes on, and ends when told. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../testing/eventually.ts';
import { Program, startProgram } from '../testing/program.ts';

const kit = (file: string): string => JSON.stringify(join(import.meta.dirname, file));

/** A sidecar that says 1,000 lines of 500 bytes whenever /say is asked. */
async function talker(): Promise<Program> {
  const program = `
    import { defineContract } from ${kit('../contract/contract.ts')};
    import { runSidecar } from ${kit('../life/sidecar.ts')};
    const contract = defineContract({
      name: 'example', version: '1.0.0', description: 'Says much.', prefixes: ['EXAMPLE_'],
      adminPort: '9999', ports: {}, metrics: {}, parameters: {},
    });
    let line = 0;
    await runSidecar(contract, ({ adminPath, log }) => adminPath('/say', (_request, response) => {
      for (let end = line + 1000; line < end; line++) log.info({ line, filling: 'x'.repeat(400) });
      response.end();
    }));`;
  const run = await startProgram(['--input-type=module', '-e', program], { LOG_LEVEL: 'info' });
  await run.up();
  return run;
}

/** The numbers of the lines that came, and how many it says were lost; each line must be whole. */
function told(output: string): { lines: number[]; lost: number } {
  const lines: number[] = [];
  let lost = 0;
  for (const text of output.split('\n').slice(0, -1)) {
    const said = JSON.parse(text) as { line?: number; lost?: number };
    if (said.line !== undefined) lines.push(said.line);
    lost += said.lost ?? 0;
  }
  return { lines, lost };
}

test('while nobody reads it goes on, and it ends when told', async () => {
  const run = await talker();
  run.child.stdout!.pause();
  for (let round = 0; round < 4; round++) assert.is((await run.get('/say')).status, 200);
  await run.answers('/healthz', 200);
  run.child.kill('SIGTERM');
  await eventually('it ends', () => run.child.exitCode !== null, { within: 30_000 });
  assert.is(run.child.exitCode, 0, run.output.slice(0, 1000));
});

test('a reader that comes back gets whole lines in their order, and how many are missing', async () => {
  const run = await talker();
  run.child.stdout!.pause();
  for (let round = 0; round < 4; round++) await run.get('/say');
  run.child.stdout!.resume();
  await run.eventually('it tells what was lost', () => run.output.includes('"lost":'));
  await run.get('/say');
  assert.is(await run.stop(), 0);
  const { lines, lost } = told(run.output);
  assert.ok(lost > 0);
  assert.is(lines.length + lost, 5000);
  assert.equal(
    lines,
    lines.toSorted((a, b) => a - b),
  );
  assert.equal(
    lines.slice(-1000),
    Array.from({ length: 1000 }, (_, index) => 4000 + index),
  );
});

test('the end waits for a reader that is only slow', async () => {
  const program = `
    import { Output } from ${kit('output.ts')};
    const output = new Output(process.stdout.fd, 60000);
    for (let line = 0; line < 1000; line++) output.write(JSON.stringify({ line, filling: 'x'.repeat(900) }) + '\\n');
    process.exit(3);`;
  const run = new Program(['--input-type=module', '-e', program], {});
  assert.is(await run.ended(), 3);
  assert.equal(told(run.output), { lines: Array.from({ length: 1000 }, (_, index) => index), lost: 0 });
});

test('a reader that is gone changes nothing', async () => {
  const run = await talker();
  run.child.stdout!.destroy();
  for (let round = 0; round < 4; round++) assert.is((await run.get('/say')).status, 200);
  await run.answers('/healthz', 200);
  assert.is(await run.stop(), 0);
});

test.run();
