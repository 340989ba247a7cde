/** An acknowledged write survives kill -9. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestServer } from './test-server.ts';

const server = new TestServer();
test.after(() => server.remove());

const KILLS = 8;
const WRITERS = 8;

/** Change a document again and again until the server is gone; returns the last content that was acknowledged. */
async function write(key: string, from: number): Promise<{ version: number; attempted: number }> {
  let version = from;
  for (;;) {
    const attempted = version + 1;
    try {
      const answer = await server.put(key, `content ${attempted}`, version === 0 ? undefined : version);
      if (!answer.ok) throw new Error(`${answer.status}`);
      version = attempted;
    } catch (error) {
      if (error instanceof TypeError) return { version, attempted };
      throw error;
    }
  }
}

test(`after each of ${KILLS} kills during writes, everything that was acknowledged is there`, async () => {
  const versions = new Map(Array.from({ length: WRITERS }, (_, index) => [`doc-${index}`, 0]));
  let acknowledged = 0;
  await server.start();
  for (let round = 0; round < KILLS; round++) {
    const writing = [...versions].map(async ([key, from]) => [key, from, await write(key, from)] as const);
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 200));
    await server.end('SIGKILL');
    const outcomes = await Promise.all(writing);
    await server.start();
    for (const [key, from, { version, attempted }] of outcomes) {
      const answer = await server.ask(`/v1/documents/${key}`);
      const found = answer.ok ? Number(answer.headers.get('x-config-version')) : 0;
      // The one whose answer never came may be there or not; nothing else may differ.
      assert.ok(found === version || found === attempted, `${key}: acknowledged ${version}, found ${found}`);
      if (found > 0) assert.is(await answer.text(), `content ${found}`);
      versions.set(key, found);
      acknowledged += version - from;
    }
  }
  assert.ok(acknowledged > KILLS * WRITERS, `${acknowledged} writes were acknowledged`);
  const { lines } = (await (await server.ask('/v1/audit?limit=1000')).json()) as { lines: { revision: number }[] };
  const revisions = lines.map(({ revision }) => revision);
  assert.equal(
    revisions,
    revisions.map((_, index) => revisions[0]! - index),
    'revisions have no gap',
  );
});

test.run();
