/** Who may do what: by identity, method, path and port, and what does not help against it. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, leafFor } from '../lib/forge.ts';
import { applyPolicy } from '../lib/policy.ts';
import { addressOf, ENVOYS } from '../lib/proxies.ts';
import { shopOf } from '../lib/shop.ts';
import { call, freshKey, seen, type Call } from '../lib/workload.ts';

const at = (more: Partial<Call>): Call => ({
  protocol: 'http/1.1',
  host: 'echo',
  port: 8080,
  timeoutMs: 60_000,
  ...more,
});

/** Ways to write a path that many servers read as `/admin`, or as something below it. */
const TRICKS = [
  '/admin',
  '/admin/',
  '/admin?x=/public',
  '/admin/users',
  '//admin',
  '/./admin',
  '/public/../admin',
  '/public/%2e%2e/admin',
  '/public/..%2fadmin',
  '/%61dmin',
  '/admin%2fusers',
  '/admin%2Fusers',
  '/public/..%5cadmin',
  // Envoy resolves `..` before it merges slashes, and passes on the path that it has decided about: /public/admin.
  ...(ENVOYS.length > 0 ? [] : ['/public//../admin']),
];

/** An Envoy sends a client that escapes slashes to the path that it means (307), which is refused. */
const REFUSED: readonly number[] = [400, 403, ...(ENVOYS.length > 0 ? [307] : [])];

/** The shop's own rules. */
export function shopAuthorizationObligations({ must }: Scenario): void {
  must(
    'let the shop do what its services must, and nobody else do it',
    {
      say: 'The front may ask the order desk, the order desk the shelves. Nobody else may, and each refusal says which identity lacked what.',
      within: 120_000,
    },
    async (stage) => {
      const { project } = stage;
      const order = await shopOf(stage).post('/order/strainer');
      assert.is(order.status, 201, order.text);
      const [orders, stock] = await call(project, 'client', [
        at({ host: 'orders', port: 3000, path: '/orders' }),
        at({ protocol: 'grpc', host: 'stock', port: 9090 }),
      ]);
      assert.is(orders!.status, 403, JSON.stringify(orders));
      assert.not(stock!.ok);
      assert.match(String(stock!.error), /PERMISSION_DENIED/, JSON.stringify(stock));
    },
  );
}

export function authorizationObligations({ must }: Scenario): void {
  must(
    'decide by identity, method, path and port, whatever the path is written like',
    {
      say: 'One identity may GET what is public, and nobody may see /admin. Many ways to write that path are tried; none reaches the app.',
      within: 180_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project, {
        echo: (echo) => {
          echo['authorization'] = {
            otherwise: 'deny',
            rules: [
              { name: 'no-admin', action: 'deny', paths: ['/admin', '/admin/*'] },
              { name: 'the-public', action: 'allow', from: ['client'], methods: ['GET'], ports: [8080] },
            ],
          };
        },
      });
      const allowed = await call(project, 'client', [at({}), at({ path: '/public' }), at({ path: '/administration' })]);
      for (const outcome of allowed) assert.is(outcome.status, 200, JSON.stringify(outcome));
      const refused: readonly (readonly [string, Call])[] = [
        ['another method', at({ method: 'POST' })],
        ['another port', at({ protocol: 'http/2', port: 8082 })],
        ['a port that is not HTTP', at({ protocol: 'server-first', port: 7000 })],
        ['another protocol', at({ protocol: 'grpc', port: 9090 })],
      ];
      const outcomes = await call(
        project,
        'client',
        refused.map(([, each]) => each),
      );
      for (const [index, [name]] of refused.entries())
        assert.not(outcomes[index]!.ok, `${name}: ${JSON.stringify(outcomes[index])}`);
      const authority = await authorityOf(project);
      const host = await addressOf(project, 'echo-1');
      const as = async (service: string): Promise<Call> => ({
        ...at({ protocol: 'mtls', host }),
        shown: await leafFor(`spiffe://mesh.local/ns/shop/sa/${service}`, authority),
      });
      const [same, another] = await call(project, 'stranger', [await as('client'), await as('front')]);
      assert.is(same!.status, 200, JSON.stringify(same));
      assert.is(another!.status, 403, 'another identity');

      const key = freshKey('tricks');
      const tricks = await call(
        project,
        'client',
        TRICKS.map((path) => at({ path, headers: { 'x-key': key } })),
      );
      for (const [index, { status }] of tricks.entries())
        assert.ok(REFUSED.includes(status!), `${TRICKS[index]} was answered ${status}`);
      assert.equal(await seen(project, key), [0, 0, 0], 'none has reached an app');
      say(`${TRICKS.length} ways to write /admin: ${TRICKS.length} refused`);
    },
  );
}
