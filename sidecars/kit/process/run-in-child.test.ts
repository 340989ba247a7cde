/** Work in a process of its own, which this file is too when it is started with an argument. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runInChild, ChildFailed, serveJobs, type ChildOptions } from './run-in-child.ts';

type Order = 'echo' | 'hang' | 'grow' | 'throw' | 'end';

async function work(order: { what: Order; bytes: Uint8Array }): Promise<unknown> {
  switch (order.what) {
    case 'echo':
      return { bytes: order.bytes, secret: process.env['SECRET'], given: process.env['GIVEN'] };
    case 'hang':
      for (;;);
    case 'grow': {
      const kept: unknown[] = [];
      for (;;) kept.push(Array.from({ length: 100_000 }, () => ({})));
    }
    case 'throw':
      throw new Error('no');
    case 'end':
      return process.exit(0);
  }
}

const options: ChildOptions = {
  program: import.meta.filename,
  argument: '--child',
  env: { GIVEN: 'yes' },
  heap: 32,
  timeout: 20_000,
};
const failure = async (what: Order, more: Partial<ChildOptions> = {}): Promise<unknown> =>
  await runInChild({ what, bytes: Buffer.of() }, { ...options, ...more }).then(
    () => assert.unreachable('it should fail'),
    (error: unknown) => error,
  );

if (process.argv[2] === '--child') await serveJobs(work);
else {
  test('an order is answered, bytes and all, and nothing of our environment goes along', async () => {
    process.env['SECRET'] = 'hunter2';
    const bytes = Buffer.from([0, 255]);
    const answer = await runInChild<{ bytes: Uint8Array }>({ what: 'echo', bytes }, options);
    assert.equal({ ...answer, bytes: Buffer.from(answer.bytes) }, { bytes, secret: undefined, given: 'yes' });
  });

  test('work without end is ended at the deadline, and said to be late', async () => {
    const error = await failure('hang', { timeout: 500 });
    assert.instance(error, ChildFailed);
    assert.is((error as ChildFailed).late, true);
  });

  test('work that takes all memory, throws or ends is a failure of its own', async () => {
    for (const what of ['grow', 'throw', 'end'] as const) {
      const error = await failure(what);
      assert.instance(error, ChildFailed, what);
      assert.is((error as ChildFailed).late, false, what);
      assert.match((error as ChildFailed).message, /^it ended with/);
    }
  });

  test('an abort ends it with its reason', async () => {
    const reason = new Error('enough');
    const ending = new AbortController();
    const failed = failure('hang', { signal: ending.signal });
    ending.abort(reason);
    assert.is(await failed, reason);
    assert.is(await failure('echo', { signal: ending.signal }), reason);
  });

  test.run();
}
