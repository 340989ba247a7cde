/** Readiness follows the application: up, paused, going on, gone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Readiness } from '#kit/life/readiness.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { EndpointHealth, HEALTH_MAX_AGE } from './health.ts';

const test = suite('endpoint health');

test('a paused application turns readiness false within its period, and true when it goes on', async () => {
  const source = `require('node:net').createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
  const app = spawn(process.execPath, ['--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(app.stdout, 'data')) as [Buffer];
  const readiness = new Readiness();
  const health = new EndpointHealth({
    host: '127.0.0.1',
    port: Number(line.toString()),
    connectTimeout: 1000,
    check: readiness.check('app', HEALTH_MAX_AGE),
    stats: { upstreamUp: () => {} },
    log: { info: () => {}, warn: () => {} } as never,
  });
  try {
    health.start();
    await eventually('it is ready', () => readiness.report().ready);
    app.kill('SIGSTOP');
    await eventually('it is not ready', () => !readiness.report().ready, { within: HEALTH_MAX_AGE });
    assert.match(JSON.stringify(readiness.report()), /not accepted within 4\.5 s/);
    app.kill('SIGCONT');
    await eventually('it is ready again', () => readiness.report().ready);
    app.kill('SIGKILL');
    await eventually('it is not ready', () => !readiness.report().ready, { within: HEALTH_MAX_AGE });
  } finally {
    health.close();
    app.kill('SIGKILL');
  }
});

test.run();
