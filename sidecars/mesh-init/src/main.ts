/** The mesh init container's program: loads the rules, and ends. */
import { EXIT_FAILURE } from '#kit/contract/contract.ts';
import { nameservers } from '#kit/net/resolv-conf.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { contract } from './contract.ts';
import { nft } from './nft.ts';
import { missing } from './preflight.ts';
import { REMOVE, rulesOf } from './rules.ts';

async function job({
  parameters,
  log,
  shutdown,
}: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const { MESH_ACTION: action } = parameters;
  const rules = action === 'remove' ? REMOVE : rulesOf(parameters, nameservers());
  if (action === 'print') process.stdout.write(rules);
  else {
    const error = await nft([], rules);
    if (error !== undefined) {
      const lacks = await missing(nft);
      log.fatal({ nft: error, missing: lacks }, 'the rules could not be loaded: the pod is not redirected');
      return void shutdown.run('failed', EXIT_FAILURE);
    }
    log.info({ action }, action === 'remove' ? 'rules removed' : 'connections are redirected to the proxy');
    const { MESH_EXCLUDE_INBOUND_PORTS: ports } = parameters;
    if (action === 'apply' && ports.length > 0)
      log.warn({ ports }, 'others reach these ports past the proxy: an application that listens on one is unprotected');
  }
  void shutdown.run('done');
}

await runSidecar(contract, job);
