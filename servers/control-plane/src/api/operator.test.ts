/** The interface for people and pages: what is answered, and what is refused with which status and sentence. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { OPERATOR_TOKEN, startPlane, type TestPlane } from '../testing/plane.ts';

const ROUTE = '/api/splits/catalogue/main';
const POLICY = {
  services: {
    catalogue: {
      ports: [{ port: 8000, protocol: 'http' }],
      subsets: { v1: { version: '1' }, v2: { version: '2' } },
      routes: [
        {
          name: 'main',
          to: [
            { subset: 'v1', weight: 80 },
            { subset: 'v2', weight: 20 },
          ],
        },
      ],
    },
  },
};

let plane: TestPlane;
test.before(async () => {
  plane = await startPlane(JSON.stringify(POLICY));
});
test.after(async () => await plane.close());

const ask = async (
  method: string,
  path: string,
  body?: unknown,
  token: string | undefined = OPERATOR_TOKEN,
): Promise<{ status: number; error?: string }> => {
  const { status, body: bytes } = await plane.api(method, path, body, token);
  const content = bytes.length === 0 ? {} : (JSON.parse(String(bytes)) as { error?: string });
  return { status, ...(content.error !== undefined && { error: content.error }) };
};
const weights = async (): Promise<unknown> => {
  const graph = JSON.parse(String((await plane.api('GET', '/api/graph')).body)) as {
    services: { splits: { weights: unknown }[] }[];
  };
  return graph.services[0]!.splits[0]!.weights;
};

test("a split is changed, and given back to the policy's file", async () => {
  assert.equal(await ask('PUT', ROUTE, { v1: 1, v2: 99 }), { status: 200 });
  assert.equal(await weights(), { v1: 1, v2: 99 });
  assert.equal(await ask('DELETE', ROUTE), { status: 204 });
  assert.equal(await weights(), { v1: 80, v2: 20 });
  assert.equal(await ask('DELETE', ROUTE), { status: 404, error: 'no split of catalogue main was changed' });
});

test("who has not the operator's token changes nothing, and may look", async () => {
  for (const method of ['PUT', 'DELETE']) {
    const body = method === 'PUT' ? { v1: 1, v2: 99 } : undefined;
    assert.is((await ask(method, ROUTE, body, 'a-token-that-was-guessed')).status, 401);
    const { status } = await request(`http://127.0.0.1:${plane.ports.api}${ROUTE}`, { method, timeout: 30_000 });
    assert.is(status, 401);
  }
  assert.equal(await weights(), { v1: 80, v2: 20 });
  assert.is((await ask('GET', '/api/policy', undefined, '')).status, 200);
});

test('a page of another name reads nothing: its name is not ours', async () => {
  const under = async (host: string): Promise<number> =>
    (await request(`http://127.0.0.1:${plane.ports.api}/api/graph`, { headers: { host }, timeout: 30_000 })).status;
  assert.is(await under('rebound.attacker.example'), 403);
  assert.equal(
    await Promise.all(['localhost:8080', '127.0.0.1', '[::1]:8080', 'control-plane:8080'].map(under)),
    [200, 200, 200, 200],
  );
});

for (const [what, path, body, status, sentence] of [
  ['a route that is not there', '/api/splits/catalogue/other', { v1: 1, v2: 1 }, 404, /no route other of catalogue/],
  ['a service that is not there', '/api/splits/nobody/main', { v1: 1 }, 404, /no route main of nobody/],
  ['a subset too few', ROUTE, { v1: 1 }, 422, /weights are for v1, v2/],
  ['a subset too many', ROUTE, { v1: 1, v2: 1, v3: 1 }, 422, /not for v3/],
  ['nothing for anybody', ROUTE, { v1: 0, v2: 0 }, 422, /all weights are 0/],
  ['less than nothing', ROUTE, { v1: -1, v2: 1 }, 400, /v1/],
  ['a word', ROUTE, { v1: 'half', v2: 1 }, 400, /v1/],
  ['no weights', ROUTE, {}, 400, /properties/],
] as const)
  test(`refused: ${what}`, async () => {
    const answer = await ask('PUT', path, body);
    assert.is(answer.status, status);
    assert.match(answer.error ?? '', sentence);
    assert.equal(await weights(), { v1: 80, v2: 20 });
  });

test('a body without an end is not read to its end', async () => {
  const { status } = await plane.api('PUT', ROUTE, { v1: 1, ['x'.repeat(70_000)]: 1 }, OPERATOR_TOKEN);
  assert.is(status, 413);
});

test.run();
