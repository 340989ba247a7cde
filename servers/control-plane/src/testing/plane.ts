/** A control plane of a test's own, with its policy file. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request, type Answer } from '#kit/net/http-client.ts';
import { createLog } from '#kit/telemetry/log.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../control-plane.ts';
import type { Events } from '../events.ts';
import { Tokens } from '../registry/tokens.ts';

export const JOIN_TOKEN = 'a-join-token-for-tests';
export const OPERATOR_TOKEN = 'an-operator-token-for-tests';

export interface TestPlane extends ControlPlane {
  readonly directory: string;
  /** Replace the policy file, as an editor or a deployment does. */
  setPolicy(yaml: string): void;
  /** Ask the interface for people. */
  api(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** What happened, in order: `ack:TYPE`, `nack:TYPE`, `push:TYPE`, … */
  readonly seen: string[];
}

/**
 * Start one on free ports of loopback.
 * @param policy YAML
 */
export async function startPlane(
  policy: string,
  overrides: Partial<ControlPlaneOptions> & { directory?: string } = {},
): Promise<TestPlane> {
  const directory = overrides.directory ?? temporaryDirectory('control-plane');
  const policyDirectory = join(directory, 'policy');
  mkdirSync(policyDirectory, { recursive: true });
  mkdirSync(join(directory, 'trust'), { recursive: true });
  const path = join(policyDirectory, 'policy.yaml');
  const setPolicy = (yaml: string): void => {
    writeFileSync(join(directory, 'next.yaml'), yaml);
    renameSync(join(directory, 'next.yaml'), path);
  };
  setPolicy(policy);
  const seen: string[] = [];
  const note = (text: string): void => void seen.push(text);
  const short = (type: string): string => type.slice(type.lastIndexOf('.') + 1);
  const events: Partial<Events> = {
    answer: (answer, type) => note(`${answer}:${short(type)}`),
    push: (type) => note(`push:${short(type)}`),
    policyTaken: () => note('policy taken'),
    policyRefused: (error) => note(`policy refused: ${error.message}`),
    ended: (ending) => note(`ended: ${ending}`),
    refusal: (reason) => note(`refusal: ${reason}`),
    failed: (unit) => note(`failed: ${unit}`),
    ...overrides.events,
  };
  const plane = await startControlPlane({
    log: createLog('control-plane', process.env['TEST_LOG'] === undefined ? 'fatal' : 'debug'),
    address: '127.0.0.1',
    ports: { xds: 0, mtls: 0, enrolment: 0, api: 0 },
    trustDomain: 'mesh.test',
    namespace: 'shop',
    names: ['localhost'],
    policyPath: path,
    tokens: Tokens.parse(`all * ${JOIN_TOKEN}`),
    operatorToken: OPERATOR_TOKEN,
    data: join(directory, 'data'),
    trust: join(directory, 'trust'),
    lease: 30_000,
    limits: { service: 1000, peer: 1000, all: 1000 },
    streams: { proxy: 1000, application: 1000 },
    leafLifetime: 24 * 3_600_000,
    probeInterval: 0,
    probePort: 15_021,
    ...overrides,
    events,
  });
  return {
    ...plane,
    directory,
    setPolicy,
    seen,
    api: async (method, path, body, token) =>
      await request(`http://127.0.0.1:${plane.ports.api}${path}`, {
        method,
        timeout: 30_000,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}
