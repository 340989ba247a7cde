import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Refusals } from './refusals.ts';

const top = temporaryDirectory('refusals-');
const said: Record<string, unknown>[] = [];
const refusals = (): Refusals => {
  said.length = 0;
  return new Refusals({ warn: (fields: object) => void said.push(fields as Record<string, unknown>) } as never);
};

test('a directory of another group is logged once, with the group that would help', () => {
  const path = join(top, 'apache2');
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o750);
  const gid = process.getgid!();
  const all = refusals();
  const looks = Array.from({ length: 5 }, () => all.noted(new Map([[path, 'EACCES']])));
  assert.equal(looks.slice(0, 2), [undefined, undefined], 'it may be for a moment');
  assert.is(looks[4], `${path} may not be read: give the sidecar its group: group_add: ["${gid}"]`);
  assert.equal(
    said.map((each) => [each['path'], each['code']]),
    [[path, 'EACCES']],
  );
});

test('a file that only its owner reads asks for the owner', () => {
  const path = join(top, 'private.log');
  writeFileSync(path, 'x\n', { mode: 0o600 });
  const all = refusals();
  for (let look = 0; look < 2; look++) all.noted(new Map([[path, 'unreadable']]));
  assert.match(all.noted(new Map([[path, 'unreadable']])) ?? '', /run the sidecar as its owner: user: "\d+:\d+"$/);
});

test('a refusal that ends is over, and a link that leads elsewhere is none', () => {
  const path = join(top, 'gone.log');
  const all = refusals();
  for (let look = 0; look < 3; look++) all.noted(new Map([[path, 'unreadable']]));
  assert.is(all.noted(new Map()), undefined);
  assert.is(all.noted(new Map([[path, 'unreadable']])), undefined, 'it begins anew');
  for (let look = 0; look < 5; look++) assert.is(all.noted(new Map([['/logs/link', 'outside']])), undefined);
});

test('of thousands of paths the log names a hundred', () => {
  const all = refusals();
  const many = new Map(Array.from({ length: 5000 }, (_, at) => [`/nowhere/${at}`, 'EACCES']));
  for (let look = 0; look < 4; look++) all.noted(many);
  assert.is(said.length, 100);
  assert.match(all.noted(many) ?? '', /^\/nowhere\/0, and 4999 more may not be read: run the sidecar as a user/);
});

test.after(() => rmSync(top, { recursive: true, force: true }));
test.run();
