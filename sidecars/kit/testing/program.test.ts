import { writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from './eventually.ts';
import { startProgram } from './program.ts';
import { temporaryDirectory } from './temporary.ts';

const directory = temporaryDirectory('program');
const file = join(directory, 'program.mjs');
writeFileSync(
  file,
  `import { createServer } from 'node:http';
  if (process.argv[2] === 'fail') { console.error('it has no wings'); process.exit(70); }
  createServer((request, response) => {
    if (request.url === '/metrics') return response.end('birds_total{kind="a"} 3\\nbirds_total{kind="b"} 4\\nsky 1e3\\n');
    response.writeHead(request.url === '/startupz' ? 200 : 503).end('not yet');
  }).listen(Number(process.env.ADMIN_PORT), process.env.ADMIN_ADDRESS, () => console.log('flying'));
  process.on('SIGTERM', () => process.exit(7));`,
);

test('it is started with its own admin port, asked, and ended', async () => {
  const program = await startProgram([file]);
  await program.up();
  assert.equal(await program.answers('/readyz', 503, /yet/), { status: 503, text: 'not yet' });
  assert.is(program.output, 'flying\n');
  assert.is(await program.metric('birds_total{kind="b"}'), 4);
  assert.is(await program.metric('birds_total'), 3);
  assert.is(await program.metric('sky'), 1000);
  assert.is(await program.metric('fish_total'), 0);
  assert.is(await program.stop(), 7);
});

test('a wait for a program that has ended is over at once, and shows what it said', async () => {
  const program = await startProgram([file, 'fail']);
  const started = performance.now();
  const error = await program.up().then(
    () => 'it came up',
    (caught: Error) => caught.message,
  );
  assert.match(error, /the program ended with 70\nit has no wings/);
  assert.ok(performance.now() - started < 10_000);
  assert.is(await program.ended(), 70);
});

test('a failed test that waits no more is not kept alive by its program, which ends with it', async () => {
  const started = performance.now();
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { startProgram } from ${JSON.stringify(join(import.meta.dirname, 'program.ts'))};
      const program = await startProgram([${JSON.stringify(file)}]);
      await program.up();
      console.log(program.child.pid);`,
    ],
    { encoding: 'utf8', timeout: 30_000 },
  );
  assert.is(status, 0);
  assert.ok(performance.now() - started < 20_000);
  const pid = Number(stdout);
  assert.ok(pid > 1);
  // Its end is the kernel's work, which goes on after the one who killed it has ended.
  await eventually('the program has ended', () => {
    const { stdout: stat } = spawnSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' });
    return stat === '' || /\) Z /.test(stat);
  });
});

test.run();
