import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineContract } from '#kit/contract/contract.ts';
import { lineOf } from './disagreement.ts';
import { readDockerfile } from '../../../tools/contract/dockerfile.ts';
import { factsOf } from './image.ts';
import { compareFacts } from './image-facts.ts';

const contract = defineContract({
  name: 'sync',
  version: '1.2.0',
  description: 'Keeps a "copy" up to date.',
  prefixes: ['UPDATE_'],
  adminPort: '9902',
  parameters: {
    UPDATE_PERIOD: { type: 'duration', unit: 's', default: '60s', description: 'd', deprecated: ['UPDATE_FREQUENCY'] },
    UPDATE_TOKEN: { type: 'string', secret: true, default: 'none', description: 'd' },
    UPDATE_URL: { type: 'url', required: true, description: 'd' },
    HOOK_PORT: { type: 'port', default: '8080', description: 'd' },
    TLS_PORT: { type: 'port', description: 'd' },
  },
  ports: { hooks: { parameter: 'HOOK_PORT', description: 'd' }, tls: { parameter: 'TLS_PORT', description: 'd' } },
  metrics: {},
});

const GOOD = `FROM node
ENV NODE_VERSION=26 UPDATE_PERIOD=60s HOOK_PORT=8080 ADMIN_ADDRESS=0.0.0.0 ADMIN_PORT=9902 LOG_LEVEL=info LOG_FORMAT=json SHUTDOWN_TIMEOUT=8s
EXPOSE 8080 9902
LABEL org.opencontainers.image.title=sync org.opencontainers.image.description="Keeps a \\"copy\\" up to date." \\
      org.opencontainers.image.version=1.2.0 org.opencontainers.image.licenses=MIT org.opencontainers.image.vendor=sidecar-stacks dev.sidecar-stacks.image=sync
USER 65532:65532
HEALTHCHECK --interval=10s \\
  CMD ["/sidecar/healthcheck", "/startupz"]
`;

const found = (text: string): string[] =>
  compareFacts(contract, 'MIT', readDockerfile(text, 'Dockerfile'), (line) => `write ${line}`).map(lineOf);

test('a Dockerfile that agrees has nothing to be said', () => assert.equal(found(GOOD), []));

const CASES: readonly [name: string, from: string, to: string, expected: string][] = [
  [
    'another default',
    'UPDATE_PERIOD=60s',
    'UPDATE_PERIOD=61s',
    'Dockerfile:2: declared: UPDATE_PERIOD has the default "60s"; there: ENV UPDATE_PERIOD=61s; repair: write ENV UPDATE_PERIOD=60s',
  ],
  [
    'a missing default',
    ' LOG_LEVEL=info',
    '',
    'Dockerfile: declared: LOG_LEVEL has the default "info"; there: no ENV for it; repair: write ENV LOG_LEVEL=info',
  ],
  [
    'an unknown name of the prefix',
    'ENV ',
    'ENV UPDATE_X=1 ',
    'Dockerfile:2: declared: no parameter UPDATE_X; there: ENV UPDATE_X=1; repair: write no ENV UPDATE_X',
  ],
  [
    'a former name',
    'ENV ',
    'ENV UPDATE_FREQUENCY=60s ',
    'Dockerfile:2: declared: UPDATE_FREQUENCY is a former name of UPDATE_PERIOD; there: ENV UPDATE_FREQUENCY=60s; repair: write no ENV UPDATE_FREQUENCY',
  ],
  [
    'a value without a default',
    'ENV ',
    'ENV TLS_PORT=1 ',
    'Dockerfile:2: declared: TLS_PORT has no default; there: ENV TLS_PORT=1; repair: write no ENV TLS_PORT',
  ],
  [
    'a secret, whose value is not repeated',
    'ENV ',
    'ENV UPDATE_TOKEN=hush ',
    'Dockerfile:2: declared: UPDATE_TOKEN is a secret and must not be in an image; there: ENV UPDATE_TOKEN; repair: write no ENV UPDATE_TOKEN',
  ],
  [
    "a secret's file",
    'ENV ',
    'ENV UPDATE_TOKEN_FILE=/x ',
    'Dockerfile:2: declared: UPDATE_TOKEN is a secret and must not be in an image; there: ENV UPDATE_TOKEN_FILE; repair: write no ENV UPDATE_TOKEN_FILE',
  ],
  [
    'a missing port',
    'EXPOSE 8080',
    'EXPOSE',
    'Dockerfile: declared: port hooks has the default 8080/tcp; there: no EXPOSE for it; repair: write EXPOSE 8080 9902',
  ],
  [
    'a port too many',
    'EXPOSE 8080',
    'EXPOSE 8080 1/udp',
    'Dockerfile: declared: no port with the default 1/udp; there: EXPOSE 1/udp; repair: write EXPOSE 8080 9902',
  ],
  [
    'an old version',
    '1.2.0',
    '1.1.0',
    'Dockerfile:5: declared: label org.opencontainers.image.version is "1.2.0"; there: "1.1.0"; repair: write LABEL org.opencontainers.image.version="1.2.0"',
  ],
  [
    'a missing label',
    ' dev.sidecar-stacks.image=sync',
    '',
    'Dockerfile: declared: label dev.sidecar-stacks.image is "sync"; there: no such label; repair: write LABEL dev.sidecar-stacks.image="sync"',
  ],
  [
    'another user',
    'USER 65532:65532',
    'USER node',
    'Dockerfile: declared: user 65532:65532; there: USER node; repair: write USER 65532:65532',
  ],
  [
    'a health check that asks for something else',
    '"/startupz"',
    '"/readyz"',
    'Dockerfile: declared: a health check that asks for /startupz; there: HEALTHCHECK CMD ["/sidecar/healthcheck","/readyz"]; repair: write HEALTHCHECK CMD ["/sidecar/healthcheck", "/startupz"]',
  ],
  [
    'a health check that is a line for the shell',
    'CMD ["/sidecar/healthcheck", "/startupz"]',
    'CMD true',
    'Dockerfile: declared: a health check that asks for /startupz; there: HEALTHCHECK CMD ["/bin/sh","-c","true"]; repair: write HEALTHCHECK CMD ["/sidecar/healthcheck", "/startupz"]',
  ],
  [
    'no health check',
    'HEALTHCHECK --interval=10s \\\n  CMD ["/sidecar/healthcheck", "/startupz"]\n',
    '',
    'Dockerfile: declared: a health check that asks for /startupz; there: no HEALTHCHECK; repair: write HEALTHCHECK CMD ["/sidecar/healthcheck", "/startupz"]',
  ],
  [
    'no user',
    'USER 65532:65532',
    '',
    'Dockerfile: declared: user 65532:65532; there: no USER, so root; repair: write USER 65532:65532',
  ],
];

for (const [name, from, to, expected] of CASES) {
  test(`${name} is named with its repair`, () => {
    assert.ok(GOOD.includes(from));
    assert.equal(found(GOOD.replace(from, to)), [expected]);
  });
}

test("an image's configuration is compared the same way", () => {
  const { env, labels } = readDockerfile(GOOD, '');
  const config = {
    Env: ['PATH=/bin:a=b', ...[...env].map(([name, value]) => `${name}=${value}`)],
    Labels: Object.fromEntries(labels),
    ExposedPorts: { '8080/tcp': {}, '9902/tcp': {} },
    User: '65532:65532',
    Healthcheck: { Test: ['CMD', '/sidecar/healthcheck', '/startupz'] },
  };
  const of = (changed: object): string[] =>
    compareFacts(
      contract,
      'MIT',
      factsOf({ ...config, ...changed }, 'sync:dev'),
      () => 'docker compose build sync',
    ).map(lineOf);
  assert.equal(of({}), []);
  assert.equal(of({ User: '' }), [
    'sync:dev: declared: user 65532:65532; there: no USER, so root; repair: docker compose build sync',
  ]);
  assert.equal(of({ Healthcheck: { Test: ['NONE'] } }), [
    'sync:dev: declared: a health check that asks for /startupz; there: no HEALTHCHECK; repair: docker compose build sync',
  ]);
  assert.is(of({ Env: null, ExposedPorts: null, Labels: null }).length, 7 + 2 + 6);
  assert.is(factsOf(config, '').env.get('PATH'), '/bin:a=b');
});

test.run();
