/** What Envoy's admin interface says, as the agent reads it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inboundPorts } from './admin.ts';

const listener = (name: string, ports: readonly (number | undefined)[]) => ({
  '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump.DynamicListener',
  name,
  active_state: {
    listener: {
      name,
      filter_chains: ports.map((port) =>
        port === undefined ? {} : { filter_chain_match: { destination_port: port } },
      ),
    },
  },
});

test('the ports of the application are those of the inbound listener in use', () => {
  const configs = [listener('outbound', [9]), listener('inbound', [8080, 8080, 9090, undefined])];
  assert.equal(inboundPorts(JSON.stringify({ configs })), [8080, 9090]);
  assert.equal(inboundPorts('{}'), []);
});

test.run();
