import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Refusal } from './refusal.ts';
import { CODE_LIFE, SESSION_LIFE, Sessions } from './sessions.ts';
import type { Caller } from './tokens.ts';

const caller: Caller = { name: 'operator', scopes: new Set(['read', 'write']) };
const refused = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return assert.unreachable('it should be refused') as never;
};

test('codes and sessions end by themselves', () => {
  let now = 0;
  const sessions = new Sessions(() => now);
  const late = sessions.invite(caller).secret;
  const code = sessions.invite(caller).secret;
  now = CODE_LIFE - 1;
  const { secret, expires } = sessions.open(code);
  assert.is(expires, new Date(now + SESSION_LIFE).toISOString());
  now += 1;
  assert.is(
    refused(() => sessions.open(late)),
    'unauthorized',
  );
  now = CODE_LIFE - 1 + SESSION_LIFE - 1;
  assert.is(sessions.callerOf(secret), caller);
  now += 1;
  assert.is(sessions.callerOf(secret), undefined);
});

test('their number is limited, and there is room again when some have ended', () => {
  let now = 0;
  const sessions = new Sessions(() => now);
  for (let count = 0; count < 100; count++) sessions.invite(caller);
  assert.is(
    refused(() => sessions.invite(caller)),
    'busy',
  );
  now = CODE_LIFE;
  sessions.invite(caller);
});

test('a token that asks for codes without end leaves room for others', () => {
  const sessions = new Sessions(() => 0);
  const reader: Caller = { name: 'reader', scopes: new Set(['read']) };
  for (let count = 0; count < 2000; count++) {
    try {
      sessions.invite(reader);
    } catch (error) {
      assert.instance(error, Refusal);
    }
  }
  assert.is(sessions.callerOf(sessions.open(sessions.invite(caller).secret).secret), caller);
});

test.run();
