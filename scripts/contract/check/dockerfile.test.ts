import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineContract, type Contract } from '#kit/contract/contract.ts';
import { readDockerfile } from '../../../tools/contract/dockerfile.ts';
import { fillDockerfile } from './dockerfile.ts';
import { compareFacts } from './image-facts.ts';

const contract = defineContract({
  name: 'sync',
  version: '2.0.0',
  description: 'Keeps a "copy" up to date.',
  prefixes: ['UPDATE_'],
  adminPort: '9902',
  parameters: {
    UPDATE_PERIOD: { type: 'duration', unit: 's', default: '60s', description: 'd' },
    UPDATE_NAMES: { type: 'string', default: 'a b', description: 'd' },
    HOOK_PORT: { type: 'port', default: '8080', description: 'd' },
  },
  ports: { hooks: { parameter: 'HOOK_PORT', description: 'd' } },
  metrics: {},
}) as unknown as Contract;

const OLD = `ARG BASE=node
FROM \${BASE}
LABEL org.opencontainers.image.title="sync" \\
      org.opencontainers.image.version="1.0.0"
# Ours, and no parameter.
ENV MALLOC_ARENA_MAX=2 \\
    HOME=/tmp
ENV UPDATE_FREQUENCY=60s \\
    UPDATE_PERIOD=1s
ENV UPDATE_PERIOD=1s \\
    GONE=1
RUN true \\
    && true
EXPOSE 1
USER 65532:65532
HEALTHCHECK --interval=10s \\
  CMD ["/sidecar/healthcheck", "/startupz"]
`;

test('LABEL, ENV and EXPOSE are written as the contract says, and all else stays', () => {
  const text = fillDockerfile(OLD.replace(/^ENV UPDATE_FREQUENCY.*\n.*\n/m, ''), contract, 'MIT');
  assert.equal(
    compareFacts(contract, 'MIT', readDockerfile(text, 'Dockerfile'), (line) => line),
    [],
  );
  for (const kept of ['ENV MALLOC_ARENA_MAX=2 \\\n    HOME=/tmp\n', 'RUN true \\\n    && true\n', 'USER 65532:65532'])
    assert.ok(text.includes(kept), text);
  assert.not.match(text, 'GONE');
  assert.is(fillDockerfile(text, contract, 'MIT'), text, 'twice is once');
});

test.run();
