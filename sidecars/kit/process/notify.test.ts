import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeNotification, NotificationRefused, notify, notificationProblem, parseNotification } from './notify.ts';
import { serve } from '../testing/server.ts';

test('every form is read', () => {
  assert.equal(parseNotification('signal:HUP@nginx'), { kind: 'signal', signal: 'SIGHUP', process: 'nginx' });
  assert.equal(parseNotification('signal:SIGUSR1@app.py'), { kind: 'signal', signal: 'SIGUSR1', process: 'app.py' });
  const url = 'http://127.0.0.1:9090/-/reload';
  assert.equal(parseNotification(`http:POST ${url}`), { kind: 'http', method: 'POST', url });
  assert.equal(parseNotification(`http:${url}`), { kind: 'http', method: 'POST', url });
  assert.equal(parseNotification(`http:PUT ${url}`), { kind: 'http', method: 'PUT', url });
  assert.equal(parseNotification('terminate'), { kind: 'terminate', process: undefined });
  assert.equal(parseNotification('terminate@perl'), { kind: 'terminate', process: 'perl' });
  assert.equal(parseNotification('command:nginx -s "reload now"'), {
    kind: 'command',
    argv: ['nginx', '-s', 'reload now'],
  });
});

test('anything else is refused with the forms that are accepted', () => {
  for (const text of [
    '',
    'signal',
    'signal:HUP',
    'signal:@nginx',
    'signal:NOPE@nginx',
    'http:',
    'http:POST ftp://x',
    'http:post http://x/',
    'terminate@',
    'terminates',
    'exec:ls',
  ]) {
    assert.throws(() => parseNotification(text), /is no notification; accepted is signal:HUP@PROCESS/, text);
  }
  assert.throws(() => parseNotification('command:"'), /not closed/);
});

test('any text is either read or refused with an Error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((rest) => `signal:${rest}`),
        fc.string().map((rest) => `http:${rest}`),
      ),
      (text) => {
        try {
          assert.ok(describeNotification(parseNotification(text)).length > 0);
        } catch (error) {
          assert.instance(error, Error);
        }
      },
    ),
  );
});

test('a description holds no password', () => {
  const text = describeNotification(parseNotification('http:POST http://admin:secret@127.0.0.1/reload'));
  assert.is(text, 'POST http://127.0.0.1/reload');
});

test('a signal reaches the program by its name; a program that is not there is an error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'notify-'));
  const program = join(directory, 'notify-me');
  copyFileSync('/bin/sleep', program);
  const child = spawn(program, ['3600'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  await notify(parseNotification('signal:USR1@notify-me'), { timeout: 1000 });
  assert.equal(await ended, [null, 'SIGUSR1']);
  rmSync(directory, { recursive: true });
  const error = await notify(parseNotification('terminate@notify-me'), { timeout: 1000 }).catch(
    (caught: Error) => caught,
  );
  assert.match(String(error), /no process notify-me is in this pid namespace/);
});

test('a server is told, and one that refuses is an error', async () => {
  const asked: string[] = [];
  await using server = await serve((request, response) => {
    asked.push(`${request.method} ${request.url} ${String(request.headers['x-version'])}`);
    response.writeHead(request.url === '/bad' ? 500 : request.url === '/login' ? 302 : 204).end();
  });
  const options = { timeout: 5000, headers: { 'x-version': '7' } };
  await notify(parseNotification(`http:PUT ${server.url}/reload`), options);
  const bad = parseNotification(`http:${server.url}/bad`);
  const error = await notify(bad, options).catch((caught: Error) => caught);
  assert.instance(error, NotificationRefused);
  assert.match(String(error), /answered 500/);
  const login = parseNotification(`http:${server.url}/login`);
  const redirected = await notify(login, options).catch((caught: Error) => caught);
  assert.instance(redirected, NotificationRefused, 'a redirect is no success');
  await notify(bad, { ...options, accepts: (status) => status === 500 });
  assert.equal(asked, ['PUT /reload 7', 'POST /bad 7', 'POST /login 7', 'POST /bad 7']);
});

test('a command is run, and one that fails is an error', async () => {
  await notify(parseNotification('command:test x = x'), { timeout: 5000 });
  const error = await notify(parseNotification('command:test x = y'), { timeout: 5000 }).catch(
    (caught: Error) => caught,
  );
  assert.instance(error, NotificationRefused);
  assert.match(String(error), /test exited with 1/);
  const missing = await notify(parseNotification('command:/nowhere/x'), { timeout: 5000 }).catch(
    (caught: Error) => caught,
  );
  assert.not(missing instanceof NotificationRefused);
});

test('what a program would die of is seen before it is sent', async () => {
  const named = join(mkdtempSync(join(tmpdir(), 'notify-')), 'notify-deaf');
  copyFileSync('/bin/sleep', named);
  const deaf = spawn(named, ['3600'], { stdio: 'ignore' });
  await once(deaf, 'spawn');
  assert.match(
    notificationProblem(parseNotification('signal:HUP@notify-deaf')) ?? '',
    /does not handle SIGHUP \(yet\)/,
  );
  assert.is(notificationProblem(parseNotification('terminate@notify-deaf')), undefined, 'to end it is what is wanted');
  assert.match(notificationProblem(parseNotification('signal:HUP@notify-nobody')) ?? '', /no process notify-nobody/);
  assert.is(notificationProblem(parseNotification('http:POST http://127.0.0.1:1/')), undefined);
  deaf.kill('SIGKILL');
  rmSync(join(named, '..'), { recursive: true });
});

test.run();
