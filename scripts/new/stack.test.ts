/** A new stack for each sidecar there is: one that starts, or a sentence that says which stack to begin with. */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { ContractDocument } from '#kit/contract/contract.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { bundle } from '../setup/bundles/bundle.ts';
import { ROOT } from '../lib/stacks.ts';
import { newStack } from './stack.ts';
import { Refused } from './template.ts';

const contracts = globSync('sidecars/*/contract.json', { cwd: ROOT }).map(
  (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as ContractDocument,
);

/** As much of the project as a new stack is written from. */
function project(): string {
  const root = temporaryDirectory('new-');
  const files = globSync(
    ['package.json', 'Makefile', 'sidecars/*/{Dockerfile,contract.json}', 'stacks/*/{compose*.yaml,.env,scenario.ts}'],
    { cwd: ROOT },
  );
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    cpSync(join(ROOT, file), join(root, file));
  }
  return root;
}

test.before(async () => void (await bundle()));

for (const { name, deploy, ports } of contracts)
  if (deploy.example === undefined)
    test(`${name}: nothing is written, and the stack to begin with is named`, () => {
      const root = project();
      assert.throws(
        () => newStack(root, 'pulse', name),
        (error: unknown) =>
          error instanceof Refused && /as stacks\/[a-z]+ shows: begin with a copy/.test(error.message),
      );
      assert.not(existsSync(join(root, 'stacks/pulse')));
    });
  else
    test(`${name}: its service has what the contract asks for, and the program starts with it`, async () => {
      const root = project();
      newStack(root, 'pulse', name);
      const { services } = parse(readFileSync(join(root, 'stacks/pulse/compose.yaml'), 'utf8'), { merge: true }) as {
        services: Record<string, Record<string, unknown>>;
      };
      const service = services[name]!;
      assert.equal(service['environment'] ?? {}, deploy.example);
      for (const each of [service, services['app']!])
        assert.is(each['pid'], deploy.sharesProcesses ? 'service:pod' : undefined);
      assert.equal(
        service['tmpfs'] ?? [],
        Object.values(deploy.volumes).map((path) => `${path}:uid=65532,gid=65532`),
      );
      await starts(name, deploy.example ?? {}, ports);
    });

/** The program is up with these parameters, but for ports and directories that this machine may not have. */
async function starts(
  name: string,
  example: Readonly<Record<string, string>>,
  ports: ContractDocument['ports'],
): Promise<void> {
  const app = createServer((socket) =>
    // A probe may have gone away before it reads the answer.
    socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  );
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  const port = String((app.address() as AddressInfo).port);
  const listening = Object.values(ports).filter(
    ({ parameter }) => parameter !== 'ADMIN_PORT' && !(parameter in example),
  );
  const free = await freePorts(listening.length);
  const environment = {
    ...Object.fromEntries(
      Object.entries(example).map(([key, value]) => [key, value.replace('8080', port).replace('8081', '0')]),
    ),
    ...Object.fromEntries(
      listening.flatMap(({ parameter, default: number }, at) =>
        number === undefined ? [] : [[parameter, String(free[at])]],
      ),
    ),
    ...(name === 'tls' && { TLS_STATE_DIR: temporaryDirectory('tls-') }),
    ...(name === 'cache' && { CACHE_DIR: temporaryDirectory('cache-') }),
  };
  const program = await startProgram([join(ROOT, 'sidecars', name, 'dist', `${name}.mjs`)], environment);
  await program.up();
  assert.is(await program.stop(), 0, program.output);
  app.close();
}

test.run();
