/** What git, ssh and file systems say, and what it means to a person. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandError } from '#kit/process/command.ts';
import { asSyncError, SyncError, type FailureReason } from './failure.ts';

const of = (stderr: string): SyncError =>
  asSyncError(new CommandError('exit', 'git exited with 128', { code: 128, stderr }), (text) =>
    text.replaceAll('hidden', '***'),
  );

test('each has its word, and advice', () => {
  const cases: [string, FailureReason][] = [
    ["fatal: Authentication failed for 'http://git.example/x/'", 'authentication'],
    ["fatal: could not read Username for 'http://git.example': terminal prompts disabled", 'authentication'],
    [
      'git@git.example: Permission denied (publickey).\r\nfatal: Could not read from remote repository.',
      'authentication',
    ],
    ['Host key verification failed.\r\nfatal: Could not read from remote repository.', 'host-key'],
    ["fatal: unable to access 'https://git.example/x/': server certificate verification failed. CAfile: none", 'tls'],
    ["fatal: couldn't find remote ref nope", 'ref-not-found'],
    ['fatal: remote error: upload-pack: not our ref 1234', 'ref-not-found'],
    ["fatal: unable to access 'http://git.example/x/': Could not resolve host: git.example", 'unreachable'],
    ['ssh: connect to host git.example port 22: Connection refused', 'unreachable'],
    ["fatal: unable to access 'http://git.example/x/': The requested URL returned error: 503", 'unreachable'],
    ["fatal: repository 'http://git.example/x/' not found", 'repository-not-found'],
    ["fatal: '/srv/x' does not appear to be a git repository", 'repository-not-found'],
    ['error: file write error: No space left on device\nfatal: unable to write sha1 file', 'disk-full'],
    ['fatal: Out of memory, realloc failed', 'memory'],
    ['error: object file .git/objects/ab/cd is empty\nfatal: loose object abcd is corrupt', 'corrupt'],
    ['fatal: bad config line 1 in file /git/.git/config', 'corrupt'],
    ["fatal: bad numeric config value '' for 'core.x' in file /git/.git/config: invalid unit", 'corrupt'],
    ['fatal: bad config line 1 in file /home/user/.gitconfig', 'other'],
    ['fatal: Expected git repo version <= 1, found 9', 'corrupt'],
    ['fatal: bad shallow line: abc', 'corrupt'],
    ['fatal: the remote end hung up unexpectedly', 'garbage'],
    ['fatal: protocol error: bad line length character: <htm', 'garbage'],
    ['something never heard of', 'other'],
  ];
  for (const [text, reason] of cases) {
    assert.is(of(text).reason, reason, text);
    assert.ok(of(text).advice.length > 10);
  }
});

test('the message is short, without hints, and without secrets', () => {
  const { message } = of(`hint: do this\n@@@@@@@@@@\nremote: hidden\nfatal: ${'x'.repeat(2000)}`);
  assert.match(message, /^remote: \*\*\*; fatal: x/);
  assert.ok(message.length <= 500);
});

test('deadlines, stops and the file system have their own', () => {
  assert.is(asSyncError(new CommandError('timeout', 'git was ended after 2.0 s')).reason, 'timeout');
  assert.is(asSyncError(new CommandError('aborted', 'git was ended: stopped')).reason, 'stopped');
  assert.is(asSyncError(Object.assign(new Error('write'), { code: 'ENOSPC' })).reason, 'disk-full');
  assert.is(asSyncError(Object.assign(new Error('mkdir'), { code: 'EROFS' })).reason, 'permission');
  const error = new SyncError('link', 'as it is');
  assert.is(asSyncError(error), error);
  assert.is(asSyncError('a string').message, 'a string');
});

test.run();
