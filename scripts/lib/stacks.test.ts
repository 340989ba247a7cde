/** What every stack promises by its files alone; no engine needed. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse as parseEnv } from 'dotenv';
import type { ComposeSpecification } from 'docker-compose';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { IMAGE_LABEL, STACK_LABEL } from './labels.ts';
import { findStack, ROOT, stackNames, UnknownStack } from './stacks.ts';

const test = suite('stacks');

const read = (file: string): ComposeSpecification =>
  parse(readFileSync(file, 'utf8'), { merge: true }) as ComposeSpecification;
const catalogue = read(join(ROOT, 'compose.yaml'));
type Service = NonNullable<ComposeSpecification['services']>[string];

/** A service and the parts that it extends, the nearest first, each with the file that it is in. */
function lineage(service: Service, file: string): { service: Service; file: string }[] {
  const { file: other, service: name } = (service.extends ?? {}) as { file?: string; service?: string };
  if (other === undefined || name === undefined) return [{ service, file }];
  const next = join(dirname(file), other);
  const part = read(next).services?.[name];
  assert.ok(part, `${next} has no service ${name}`);
  return [{ service, file }, ...lineage(part, next)];
}

const ROLE_LABEL = 'dev.sidecar-stacks.role';
const ROLES = ['pod', 'app', 'sidecar', 'init', 'service'];

test('there is a stack', () => {
  assert.ok(stackNames().length > 0);
});

test('an unknown stack is answered with those that there are', () => {
  assert.throws(
    () => findStack('nosuch'),
    (error: Error) => error instanceof UnknownStack && error.message.includes(stackNames()[0]!),
  );
});

for (const name of stackNames()) {
  const { dir, env, portVariables } = findStack(name);
  const file = join(dir, 'compose.yaml');
  const stack = read(file);
  const services = Object.entries(stack.services ?? {});

  test(`${name}: everything carries the stack's label, by which it is found again`, () => {
    for (const [kind, things] of Object.entries({
      service: stack.services,
      network: stack.networks,
      volume: stack.volumes,
    })) {
      for (const [key, thing] of Object.entries(things ?? {})) {
        assert.is((thing as { labels?: Record<string, string> }).labels?.[STACK_LABEL], name, `${kind} ${key}`);
      }
    }
    assert.ok(stack.networks?.['default'], 'the default network is declared, for its label');
  });

  test(`${name}: every service has a role`, () => {
    for (const [key, service] of services) {
      const labels = lineage(service, file).map((each) => each.service.labels as Record<string, string> | undefined);
      assert.ok(ROLES.includes(labels.find((each) => each?.[ROLE_LABEL])?.[ROLE_LABEL] ?? 'none'), `service ${key}`);
    }
  });

  test(`${name}: every service takes its hardening from the catalogue`, () => {
    for (const [key, service] of services) {
      const parts = lineage(service, file);
      assert.is(parts.at(-1)!.file, join(ROOT, 'compose.yaml'), `service ${key} extends a part`);
      for (const { service: part } of parts)
        for (const given of ['privileged', 'cap_add', 'userns_mode'])
          assert.not((part as Record<string, unknown>)[given], `service ${key} has ${given}`);
    }
  });

  test(`${name}: ports are published on 127.0.0.1 only, by pods only, as its .env pins them`, () => {
    const used = services.flatMap(([key, service]) =>
      (service.ports ?? []).map((port) => [key, typeof port === 'string' ? port : JSON.stringify(port)] as const),
    );
    for (const [key, port] of used) {
      const [, variable, fallback] = /^127\.0\.0\.1:\$\{(PUBLISH_\w+):-(\d+)\}:\d+$/.exec(port) ?? [];
      assert.ok(variable, `${key}: ${port}`);
      assert.is(env[variable], fallback, `${variable} in .env`);
    }
    assert.equal(portVariables.toSorted(), used.map(([, port]) => /PUBLISH_\w+/.exec(port)![0]).toSorted());
  });

  test(`${name}: it has a scenario, a README, a script and a demo`, () => {
    for (const file of ['scenario.ts', 'README.md']) assert.ok(existsSync(join(dir, file)), file);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    assert.is(scripts[`stack:${name}`], `node scripts/run.mjs stack ${name}`);
  });
}

test('no two stacks pin the same port', () => {
  const pinned = stackNames().flatMap((name) => Object.values(findStack(name).env));
  assert.is(new Set(pinned).size, pinned.length);
});

test('the fallbacks in compose files are the defaults of .env', () => {
  const defaults = parseEnv(readFileSync(join(ROOT, '.env')));
  for (const file of globSync(['compose.yaml', 'stacks/*/compose.yaml', 'scripts/**/compose.yaml'], { cwd: ROOT })) {
    for (const [, variable, fallback] of readFileSync(join(ROOT, file), 'utf8').matchAll(/\$\{([A-Z_]+):-([^}]*)\}/g)) {
      if (!variable!.startsWith('PUBLISH_')) assert.is(fallback, defaults[variable!], `${variable} in ${file}`);
    }
  }
});

test("every part of the catalogue is hardened and has its folder's name", () => {
  for (const [name, part] of Object.entries(catalogue.services ?? {})) {
    assert.is(part.read_only, true, name);
    assert.equal(part.cap_drop, ['ALL'], name);
    assert.ok((part.security_opt ?? []).includes('no-new-privileges:true'), name);
    assert.ok(part.mem_limit && part.pids_limit && part.init, name);
    const context = (part.build as { context?: string } | undefined)?.context;
    if (context === undefined) continue;
    assert.match(context, new RegExp(`/${name}$`));
    assert.match(part.image!, new RegExp(`^sidecar-stacks/${name}:`));
  }
});

test('every image that is built here carries our label', () => {
  const files = globSync(
    [
      'sidecars/*/Dockerfile',
      'legacy-apps/*/Dockerfile',
      'stacks/*/services/*/Dockerfile',
      'scripts/{bench,debug}/**/Dockerfile',
    ],
    { cwd: ROOT },
  );
  assert.ok(files.length > 0);
  for (const file of files) assert.ok(readFileSync(join(ROOT, file), 'utf8').includes(IMAGE_LABEL), file);
});

test.run();
