import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contractDocument, defineContract, type Contract, type Deployment } from '#kit/contract/contract.ts';
import type { Sidecar } from '../sidecars.ts';
import { checkCatalogue, checkPorts } from './catalogue.ts';
import { lineOf } from './disagreement.ts';

function sidecar(name: string, adminPort: string, deploy: Partial<Deployment> = {}): Sidecar {
  const contract = defineContract({
    name,
    version: '1.0.0',
    description: 'd',
    prefixes: [],
    adminPort,
    deploy,
    parameters: {},
    ports: {},
    metrics: {},
  }) as unknown as Contract;
  return { name, path: `sidecars/${name}`, folder: '', contract, document: contractDocument(contract) };
}

const CATALOGUE = `
x-hardened: &hardened { mem_limit: 128m, pids_limit: 64 }
services:
  small: { <<: *hardened, image: a }
  large: { <<: *hardened, mem_limit: 512m, tmpfs: [/tmp] }
`;

test('parts that give what the contracts say agree', () => {
  const large = sidecar('large', '2', { memory: '512m', tmpfs: ['/tmp'] });
  assert.equal(checkCatalogue([sidecar('small', '1'), large], CATALOGUE), []);
});

test('each limit that differs is named with the line that mends it', () => {
  const said = checkCatalogue([sidecar('small', '1', { memory: '640m', pids: 65, tmpfs: ['/x'] })], CATALOGUE);
  assert.equal(said.map(lineOf), [
    'compose.yaml: services.small: declared: mem_limit: "640m"; there: "128m"; repair: write mem_limit: "640m"',
    'compose.yaml: services.small: declared: pids_limit: 65; there: 64; repair: write pids_limit: 65',
    'compose.yaml: services.small: declared: tmpfs: ["/x"]; there: []; repair: write tmpfs: ["/x"]',
  ]);
});

test('a sidecar without a part in the catalogue is named', () =>
  assert.match(
    checkCatalogue([sidecar('other', '1')], CATALOGUE)
      .map(lineOf)
      .join(),
    /there: no such service/,
  ));

test('two sidecars with one default port are named', () => {
  assert.equal(checkPorts([sidecar('a', '9001'), sidecar('b', '9002')]), []);
  assert.equal(checkPorts([sidecar('a', '9001'), sidecar('b', '9001')]).map(lineOf), [
    'sidecars/b/src/contract.ts: declared: ADMIN_PORT has the default 9001; there: ADMIN_PORT of a has it, too, and both may be in one pod; repair: take another port',
  ]);
});

test.run();
