/** What is secret is shown in no form. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Secrets } from './secrets.ts';

test('a secret is hidden as it is, percent-encoded and in base64', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 4 }), fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!'***'.includes(secret) && !secret.includes('*'));
      const secrets = new Secrets();
      secrets.add(secret);
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
        assert.not(secrets.redact(`${before} ${form} ${after}`).includes(form));
      }
    }),
  );
});

test('users and passwords in URLs are hidden, hosts and ssh users are not', () => {
  const secrets = new Secrets();
  assert.is(
    secrets.redact("fatal: unable to access 'https://u:p@git.example/x/'"),
    "fatal: unable to access 'https://***@git.example/x/'",
  );
  assert.is(secrets.redact('http://token@git.example/x'), 'http://***@git.example/x');
  assert.is(secrets.redact('ssh://git:pw@git.example/x'), 'ssh://git:***@git.example/x');
  assert.is(
    secrets.redact('ssh://git@git.example/x at https://git.example/@scope'),
    'ssh://git@git.example/x at https://git.example/@scope',
  );
});

test('former secrets stay hidden; short ones would hide ordinary text', () => {
  const secrets = new Secrets();
  for (let index = 0; index < 10; index++) secrets.add(`secret-${index}`);
  assert.is(secrets.redact('secret-0 secret-9'), '*** ***');
  secrets.add('a');
  assert.is(secrets.redact('an apple'), 'an apple');
});

test.run();
