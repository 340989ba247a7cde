/** Which requests a policy is for: by caller, origin, header and address; and what ends a connection. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { applyPolicy, unchanged, type Policy } from '../lib/policy.ts';
import { addressOf, ours } from '../lib/proxies.ts';
import { call, freshKey, REPLICAS, seen, seenBy, tell, type Call, type Server } from '../lib/workload.ts';

const PATIENCE = 60_000;
const ECHO: Call = { protocol: 'http/1.1', host: 'echo', port: 8080, timeoutMs: PATIENCE };
const TO_ECHO = [{ service: 'echo', weight: 1 }];
const ORIGIN = 'https://shop.example';

export function conditionObligations({ must }: Scenario): void {
  must(
    'route requests by the service that makes them',
    { say: 'A route is for the requests of one service; others take the next.', within: 180_000 },
    async ({ project }) => {
      await applyPolicy(project, {
        echo: (echo) =>
          Object.assign(echo, {
            routes: [
              { name: 'own', match: { from: ['client'] }, reply: { status: 203, body: 'for the client' } },
              { name: 'default', to: TO_ECHO },
            ],
          }),
      });
      // By its name it could be itself, which meets no proxy.
      const elsewhere = { ...ECHO, host: await addressOf(project, 'echo-2'), headers: { host: 'echo:8080' } };
      const [[own], [other]] = await Promise.all([
        call(project, 'client', [ECHO]),
        call(project, 'echo-1', [elsewhere]),
      ]);
      assert.equal([own!.status, own!.text], [203, 'for the client']);
      assert.is(other!.status, 200);
    },
  );

  must(
    'call the replicas of the caller’s zone while there are any, where the policy says so',
    {
      say: 'One replica is in the zone of its caller and gets all requests, until its app stops; then the others do.',
      within: 300_000,
    },
    async ({ project }) => {
      await applyPolicy(project, { echo: (echo) => Object.assign(echo, { trafficDistribution: 'PreferSameZone' }) });
      /** How many of 20 requests each got. */
      const shares = async (...replicas: readonly Server[]): Promise<number[]> => {
        const key = freshKey('zone');
        const requests = Array.from({ length: 20 }, () => ({ ...ECHO, headers: { 'x-key': key } }));
        for (const { status } of await call(project, 'client', requests)) assert.is(status, 200);
        return Promise.all(replicas.map((replica) => seenBy(project, replica, key)));
      };
      try {
        assert.equal(await shares(...REPLICAS), [20, 0, 0]);
        await project.compose(['stop', 'echo-1'], { timeoutMs: 120_000 });
        const [second, third] = await shares('echo-2', 'echo-3');
        // Which of the two is for the balancer to say.
        assert.is(second! + third!, 20);
      } finally {
        await project.launch('echo-1');
        await applyPolicy(project, { echo: unchanged });
      }
    },
  );

  must(
    'answer preflight requests of browsers, and name the origin in responses (CORS)',
    {
      say: 'A browser asks first whether a page of another origin may send its request: the proxy answers, and the app sees the request alone.',
      within: 180_000,
    },
    async ({ project }) => {
      const cors = { origins: [{ exact: ORIGIN }], methods: ['PUT'], maxAge: '10m' };
      await applyPolicy(project, {
        echo: (echo) => Object.assign(echo, { routes: [{ name: 'default', to: TO_ECHO, cors }] }),
      });
      const key = freshKey('cors');
      const asked = { 'access-control-request-method': 'PUT', 'x-key': key };
      const [preflight, request, stranger] = await call(project, 'client', [
        { ...ECHO, method: 'OPTIONS', headers: { ...asked, origin: ORIGIN } },
        { ...ECHO, headers: { origin: ORIGIN } },
        { ...ECHO, headers: { origin: 'https://other.example' } },
      ]);
      assert.ok(preflight!.ok, JSON.stringify(preflight));
      assert.is(preflight!.headers!['access-control-allow-origin'], ORIGIN);
      assert.match(String(preflight!.headers!['access-control-allow-methods']), /PUT/);
      assert.equal(await seen(project, key), [0, 0, 0], 'no app saw it');
      assert.is(request!.headers!['access-control-allow-origin'], ORIGIN);
      assert.is(stranger!.headers!['access-control-allow-origin'], undefined);
    },
  );

  must(
    'let requests in by their headers and by the address of their caller',
    {
      say: 'A rule allows one address, and requests with one header. All else gets 403.',
      within: 180_000,
      ...ours('what is asked of an address in place of a name it passes on in the clear'),
    },
    async ({ project }) => {
      const client = await addressOf(project, 'client');
      const rule = {
        name: 'tenant',
        action: 'allow',
        ipBlocks: [`${client}/32`],
        headers: [{ name: 'x-tenant', exact: 'a' }],
      };
      await applyPolicy(project, {
        echo: (echo) => Object.assign(echo, { authorization: { otherwise: 'deny', rules: [rule] } }),
      });
      try {
        const at = { ...ECHO, host: await addressOf(project, 'echo-2') };
        const tenant = { ...at, headers: { 'x-tenant': 'a' } };
        const [allowed, without] = await call(project, 'client', [tenant, at]);
        const [elsewhere] = await call(project, 'echo-1', [tenant]);
        assert.equal([allowed!.status, without!.status, elsewhere!.status], [200, 403, 403]);
      } finally {
        await applyPolicy(project, { echo: unchanged });
      }
    },
  );

  must(
    'reach ports that no policy names by mTLS, where nothing else is let in',
    {
      say: 'The policy forgets two ports of an app, then all, whose mTLS is STRICT. Members reach them, others do not.',
      within: 180_000,
      ...ours('what is asked of an address in place of a name it passes on in the clear'),
    },
    async ({ project }) => {
      const host = await addressOf(project, 'echo-2');
      const calls: Call[] = [
        { ...ECHO, host },
        { protocol: 'server-first', host, port: 7000, timeoutMs: PATIENCE },
      ];
      try {
        for (const ports of [[{ port: 9090, protocol: 'grpc' }], undefined]) {
          await applyPolicy(project, { echo: (echo) => Object.assign(echo, { mtls: 'STRICT', ports }) });
          const [[http, opaque], strangers] = await Promise.all([
            call(project, 'client', calls),
            call(project, 'stranger', calls),
          ]);
          assert.equal([http!.ok, opaque!.ok], [true, true], JSON.stringify([http, opaque]));
          for (const stranger of strangers) assert.not(stranger.ok);
        }
      } finally {
        await applyPolicy(project, { echo: unchanged });
      }
    },
  );

  must(
    'end an answer that says nothing more for its route’s idle timeout',
    { say: 'An app sends half of its answer and then nothing. The client is not left waiting.', within: 180_000 },
    async ({ project, say }) => {
      await applyPolicy(project, {
        echo: (echo) => Object.assign(echo, { routes: [{ name: 'default', to: TO_ECHO, idleTimeout: '1s' }] }),
      });
      await Promise.all(REPLICAS.map((replica) => tell(project, replica, { halfAnswers: true })));
      try {
        const [outcome] = await call(project, 'client', [ECHO]);
        assert.not(outcome!.ok);
        assert.not.match(String(outcome!.error), /no answer within/);
        say(`the client is told after ${outcome!.ms} ms: ${outcome!.error}`);
      } finally {
        await Promise.all(REPLICAS.map((replica) => tell(project, replica, {})));
      }
    },
  );

  must(
    'pass a reset on as a reset, and reset a connection to which nobody answers',
    {
      say: 'An app resets a connection that is no HTTP: its client sees a reset. So does who connects to a port without a server, and to an address without a machine.',
      within: 240_000,
      ...ours('it ends such connections in the way of TCP, without a reset'),
    },
    async ({ project, say }) => {
      await applyPolicy(project, { echo: unchanged });
      const opaque = { protocol: 'server-first', port: 7000, timeoutMs: PATIENCE } as const;
      await Promise.all(REPLICAS.map((replica) => tell(project, replica, { resets: true })));
      try {
        const [reset] = await call(project, 'client', [{ ...opaque, host: 'echo' }]);
        assert.match(String(reset!.error), /ECONNRESET/);
      } finally {
        await Promise.all(REPLICAS.map((replica) => tell(project, replica, {})));
      }
      const client = await addressOf(project, 'client');
      const nobody = `${client.split('.').slice(0, 3).join('.')}.254`;
      const [refused, dead] = await call(project, 'client', [
        { ...opaque, host: 'stranger-pod' },
        { ...opaque, host: nobody },
      ]);
      for (const outcome of [refused!, dead!]) assert.match(String(outcome.error), /ECONNRESET/);
      say(`without a server after ${refused!.ms} ms, without a machine after ${dead!.ms} ms`);
    },
  );
}

/** It is about what all pods may reach. */
export function egressObligations({ must }: Scenario): void {
  must(
    'let out by name what the policy names, and nothing else, where only that may be reached',
    {
      say: 'The policy lets nobody out but to one name. A service that it does not name is not reached.',
      within: 240_000,
    },
    async ({ project }) => {
      const ports = [{ port: 4318, protocol: 'http' }];
      const only = (policy: Policy): void => {
        policy.mesh['outbound'] = 'REGISTRY_ONLY';
        policy.services['collector'] = { endpoints: ['collector'], ports, mtls: 'DISABLE' };
      };
      const outside = (host: string, port: number): Call => ({ ...ECHO, host, port });
      const [named, other] = [outside('collector', 4318), outside('control-plane', 8080)];
      const [before] = await call(project, 'client', [other]);
      assert.is(before!.status, 404);
      await applyPolicy(project, { echo: unchanged }, only);
      try {
        await eventually('the name is resolved', async () => {
          const [reached, refused] = await call(project, 'client', [named, other]);
          assert.equal([reached!.status, refused!.status], [200, 502], JSON.stringify([reached, refused]));
          return true;
        });
      } finally {
        await applyPolicy(project, { echo: unchanged });
      }
    },
  );
}
