/** A provider that lies, keys that change, and an app that speaks WebSocket. */
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { eventually } from '#kit/testing/eventually.ts';
import type { TokenFaults } from '#kit/testing/openid-provider.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { ask, orderRogue, SHOP, TRAP, Visitor } from '../lib/client.ts';

/** The broker answers GET with what says that it was asked; the sidecar with a redirect or a page of its own. */
const MQTT = `${TRAP}/mqtt`;
const LONG = 60_000;
const now = (): number => Math.floor(Date.now() / 1000);

const LIES: Readonly<Record<string, TokenFaults>> = {
  'alg none': { signature: 'none' },
  'HS256 with the RSA key': { signature: 'hs256' },
  'a key of a stranger': { signature: 'stranger' },
  'wrong iss': { claims: { iss: SHOP } },
  'wrong aud': { claims: { aud: 'other' } },
  'wrong azp': { claims: { azp: 'other' } },
  'wrong nonce': { claims: { nonce: 'x' } },
  'past exp': { claims: { exp: now() - 3600 } },
  'no sub': { claims: { sub: undefined } },
  'no iat': { claims: { iat: undefined } },
  'userinfo of another sub': { userinfo: { sub: 'bob' } },
};
/** Claims that JSON drops when they are undefined. */
const ordered = (mischief: TokenFaults): unknown =>
  JSON.parse(JSON.stringify(mischief, (_key, value: unknown) => (value === undefined ? null : value)));

export function trapObligations({ must }: Scenario): void {
  must(
    'refuse what a provider may not say',
    { say: 'A provider that lies: about who signed, for whom, when, and about whom.' },
    async (stage) => {
      const honest = new Visitor(stage);
      await honest.follow(MQTT);
      assert.ok(honest.jar(TRAP).has('trap'), 'the truth makes a session');
      for (const [name, mischief] of Object.entries(LIES)) {
        await orderRogue(stage, { mischief: ordered(mischief) });
        const visitor = new Visitor(stage);
        const page = await visitor.follow(MQTT);
        assert.is(page.status, 403, name);
        assert.match(page.body, /The login was refused/, name);
        assert.not.ok(visitor.jar(TRAP).has('trap'), name);
      }
      await orderRogue(stage, { mischief: {} });
      assert.is(
        await metric(stage.project, 'trap-auth', 'auth_logins_total{result="refused"}'),
        Object.keys(LIES).length,
      );
      stage.say(Object.keys(LIES).join(', '));
    },
  );

  must(
    'lose no request while the provider rotates keys, and fetch them once for unknown ones',
    {
      say: 'The provider changes its keys while requests come. Then somebody sends tokens with keys that nobody has.',
      within: LONG,
    },
    async (stage) => {
      const bearer = async (token: string): Promise<number> =>
        (await ask(stage, MQTT, { headers: { authorization: `Bearer ${token}` } })).status;
      const opens = (status: number): boolean => status !== 401 && status !== 403;
      let asked = 0;
      for (let turn = 0; turn < 3; turn++) {
        const sign = Array.from({ length: 20 }, (_, index) => ({ sub: `robot-${turn}-${index}` }));
        const before = (await orderRogue(stage, { sign })).tokens;
        const load = before.map(bearer);
        // One rotation a turn; the first within a cooldown is what a provider does.
        const after = turn === 0 ? (await orderRogue(stage, { rotate: true, sign })).tokens : [];
        const statuses = await Promise.all([...load, ...after.map(bearer), ...before.map(bearer)]);
        asked += statuses.length;
        for (const status of statuses) assert.ok(opens(status), String(status));
      }
      const { counts: fetchedBefore } = await orderRogue(stage, {});
      const { tokens } = await orderRogue(stage, {
        mischief: { header: { kid: 'nobody' } },
        sign: Array.from({ length: 50 }, () => ({ sub: 'x' })),
      });
      for (const status of await Promise.all(tokens.map(bearer))) assert.is(status, 401);
      const { counts } = await orderRogue(stage, { mischief: {} });
      assert.ok(counts['jwks']! - fetchedBefore['jwks']! <= 1, `${counts['jwks']} fetches`);
      stage.say(
        `${asked} requests through the change; 50 unknown keys, ${counts['jwks']! - fetchedBefore['jwks']!} fetch`,
      );
    },
  );

  must(
    'close open WebSockets at a logout, and refuse those that another site opens',
    { say: 'A WebSocket is open for hours. It ends with the session that opened it.', within: LONG },
    async (stage) => {
      const visitor = new Visitor(stage);
      await visitor.follow(MQTT);
      const open = await opened(stage, visitor, TRAP);
      assert.is(open.readyState, WebSocket.OPEN);
      for (const origin of ['https://evil.example', 'null', 'http://trap-pod:81']) {
        const refused = await opened(stage, visitor, origin).then(
          () => 'open',
          (error: Error) => error.message,
        );
        assert.match(refused, /403/, origin);
      }
      const stranger = await opened(stage, new Visitor(stage), TRAP).then(
        () => 'open',
        (error: Error) => error.message,
      );
      assert.match(stranger, /401/);
      let closed = false;
      open.once('close', () => (closed = true));
      await visitor.ask(`${TRAP}/oauth2/sign_out`);
      await eventually('the WebSocket is closed', () => closed, { within: LONG, signal: stage.signal });
    },
  );
}

/** A WebSocket to the broker. @throws with the status of a refusal */
async function opened(stage: Stage, visitor: Visitor, origin: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${stage.port('TRAP')}/mqtt`, ['mqtt'], {
    origin,
    headers: { host: 'trap-pod:4180', cookie: visitor.cookie(TRAP) },
  });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  socket.once('open', () => resolve(socket));
  socket.on('error', reject);
  return await promise;
}
