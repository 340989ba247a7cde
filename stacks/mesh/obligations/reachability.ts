/** Who reaches whom: each mode of mTLS, callers with and without a proxy, every protocol. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { passwordOf } from '../lib/database.ts';
import { applyPolicy, unchanged, type Change } from '../lib/policy.ts';
import { call, echoOf, REPLICAS, type Call, type Caller } from '../lib/workload.ts';

const MODES = ['STRICT', 'PERMISSIVE', 'DISABLE'] as const;
const PATIENCE = 60_000;

const callsOf = (password: string): Call[] =>
  (
    [
      { protocol: 'http/1.0', host: 'echo', port: 8080 },
      { protocol: 'http/1.1', host: 'echo', port: 8080 },
      { protocol: 'http/2', host: 'echo', port: 8082 },
      { protocol: 'grpc', host: 'echo', port: 9090 },
      { protocol: 'websocket', host: 'echo', port: 8080 },
      { protocol: 'server-first', host: 'echo', port: 7000 },
      { protocol: 'postgres', host: 'database', port: 5432, password },
    ] as const
  ).map((each) => ({ ...each, timeoutMs: PATIENCE }));

export function reachabilityObligations({ must }: Scenario): void {
  for (const mode of MODES)
    must(
      `let ${mode === 'STRICT' ? 'only callers with an identity' : 'every caller'} in where mTLS is ${mode}, by every protocol`,
      {
        say: `mTLS ${mode}: a caller of the mesh, and one without a proxy, by seven protocols.`,
        within: 300_000,
      },
      async ({ project, say }) => {
        const change: Change = (service) => void (service['mtls'] = mode);
        await applyPolicy(project, { echo: change, database: change });
        const calls = callsOf(await passwordOf(project));
        const row = async (from: Caller): Promise<string[]> => {
          const outcomes = await call(project, from, calls);
          return calls.map(({ protocol }, index) => `${protocol} ${outcomes[index]!.ok ? 'reached' : 'refused'}`);
        };
        const [client, stranger] = await Promise.all([row('client'), row('stranger')]);
        const expected = (word: string): string[] => calls.map(({ protocol }) => `${protocol} ${word}`);
        assert.equal(client, expected('reached'), 'a caller of the mesh');
        assert.equal(stranger, expected(mode === 'STRICT' ? 'refused' : 'reached'), 'a caller without a proxy');
        say(`${mode}: ${calls.length} protocols from the mesh, ${mode === 'STRICT' ? 0 : calls.length} from outside`);
      },
    );

  must(
    'let a service reach itself by its name, its address and localhost',
    {
      say: 'A service calls itself: by its name, by its own address, and by localhost.',
      within: 120_000,
    },
    async ({ project }) => {
      await applyPolicy(project, { echo: unchanged, database: unchanged });
      const [replica] = REPLICAS;
      const { NetworkSettings } = await project.inspect(`${replica}-pod`);
      const address = Object.values(NetworkSettings.Networks)[0]!.IPAddress;
      const at = (host: string): Call => ({ protocol: 'http/1.1', host, port: 8080, timeoutMs: PATIENCE });
      const [byName, byAddress, byLocalhost] = await call(project, replica, [at('echo'), at(address), at('localhost')]);
      assert.ok((REPLICAS as readonly string[]).includes(echoOf(byName!).replica));
      assert.is(echoOf(byAddress!).replica, replica);
      assert.is(echoOf(byLocalhost!).replica, replica);
    },
  );
}
