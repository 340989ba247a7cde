/** What every stack must have, told by its files alone: each fault is a sentence that says what to write. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { ComposeSpecification } from 'docker-compose';
import { parse } from 'yaml';
import { ROLE_LABEL, ROLES, STACK_LABEL } from './labels.ts';
import { composeFiles, ROOT, type Stack } from './stacks.ts';

type Service = NonNullable<ComposeSpecification['services']>[string];
type Labels = Readonly<Record<string, unknown>> | readonly string[] | undefined;

/**
 * Merge keys (`<<`) are resolved; compose's own tags (`!reset`) are left alone. Of aliases there may be as many as
 * a stack has services: the files are ours.
 */
export const readCompose = (file: string): ComposeSpecification =>
  (parse(readFileSync(file, 'utf8'), { merge: true, logLevel: 'error', maxAliasCount: -1 }) ??
    {}) as ComposeSpecification;

/**
 * What is wrong with a stack; empty when nothing is.
 * @throws {Error} when its compose.yaml is no YAML
 */
export function stackFaults({ name, dir, env, portVariables }: Stack): string[] {
  const files = composeFiles(dir).map((file) => ({ file, stack: readCompose(file) }));
  const declared = files.flatMap(({ file, stack }) =>
    Object.entries(stack.services ?? {}).map(([key, service]) => ({ key, file, service })),
  );
  const services = declared.map(({ key, service }) => [key, service] as const);
  const faults = [
    ...labelFaults(name, merged(files.map(({ stack }) => stack))),
    // What the override adds to a service comes before what the service is.
    ...[...Map.groupBy(declared.toReversed(), ({ key }) => key)].flatMap(([key, parts]) =>
      serviceFaults(
        key,
        parts.flatMap(({ service, file }) => lineage(service, file)),
      ),
    ),
    ...services.flatMap(([key, service]) => restartFaults(key, service)),
    ...portFaults(services, env, portVariables),
  ];
  if (!existsSync(join(dir, 'scenario.ts')))
    faults.push('there is no scenario.ts with its obligations: see "Write a stack" in the README');
  return faults;
}

/** The labels of things that several files name are those of all. */
function merged(stacks: readonly ComposeSpecification[]): ComposeSpecification {
  const all: Record<'services' | 'networks' | 'volumes', Record<string, { labels: Record<string, unknown> }>> = {
    services: {},
    networks: {},
    volumes: {},
  };
  for (const stack of stacks)
    for (const kind of ['services', 'networks', 'volumes'] as const)
      for (const [key, thing] of Object.entries(stack[kind] ?? {})) {
        const { labels } = (thing ?? {}) as { labels?: Labels };
        const before = all[kind][key]?.labels ?? {};
        all[kind][key] = { labels: { ...before, ...asMap(labels) } };
      }
  return all as ComposeSpecification;
}

/** By its label everything is found again and removed. */
function labelFaults(name: string, stack: ComposeSpecification): string[] {
  const label = `${STACK_LABEL}: ${name}`;
  const kinds = { service: stack.services, network: stack.networks, volume: stack.volumes };
  const faults = Object.entries(kinds).flatMap(([kind, things]) =>
    Object.entries(things ?? {})
      .filter(([, thing]) => valueOf((thing as { labels?: Labels } | null)?.labels, STACK_LABEL) !== name)
      .map(([key]) => `${kind} ${key} lacks the label ${label}, by which it is found again`),
  );
  if (!stack.networks?.['default'])
    faults.push(`networks: { default: { labels: { ${label} } } } is missing: the network is found by its label, too`);
  return faults;
}

function serviceFaults(key: string, parts: readonly Part[]): string[] {
  const faults: string[] = [];
  const role = parts.map(({ service }) => valueOf(service.labels as Labels, ROLE_LABEL)).find(Boolean);
  if (role === undefined || !ROLES.includes(role))
    faults.push(`service ${key} lacks the label ${ROLE_LABEL}, one of: ${ROLES.join(', ')}`);
  const last = parts.at(-1)!;
  const catalogue = join(ROOT, 'compose.yaml');
  if (last.missing !== undefined) faults.push(`service ${key} extends ${last.missing}, which is not there`);
  else if (last.file !== catalogue)
    faults.push(
      `service ${key} takes no part of the catalogue, from which its hardening comes: extends: { file: ${relative(dirname(parts[0]!.file), catalogue)}, service: … }`,
    );
  for (const given of ['privileged', 'cap_add', 'userns_mode']) {
    const values = parts.map(({ service }) => (service as Record<string, unknown>)[given]).filter(Boolean);
    if (given === 'cap_add' && role === 'init' && values.every((value) => isNetAdmin(value))) continue;
    if (values.length > 0)
      faults.push(
        `service ${key} has ${given}: no container of a stack may, but one that ends (role init) may have NET_ADMIN`,
      );
  }
  return faults;
}

/** What rules of a pod's own network take: had for a moment, and gone before an app starts. */
const isNetAdmin = (value: unknown): boolean => JSON.stringify(value) === '["NET_ADMIN"]';

/** Without it, `docker compose restart` restarts the pod and leaves who joined it in a namespace of the past. */
function restartFaults(key: string, service: Service): string[] {
  const owner = /^service:(.+)$/.exec(service.network_mode ?? '')?.[1];
  const { depends_on: depends } = service;
  if (owner === undefined || depends === undefined) return [];
  const said = Array.isArray(depends) ? (depends.includes(owner) ? {} : undefined) : depends[owner];
  if (said === undefined || (said as { restart?: boolean }).restart === true) return [];
  return [
    `service ${key} joins ${owner} and would be stranded by \`docker compose restart\`: depends_on: { ${owner}: { condition: service_started, restart: true } }`,
  ];
}

function portFaults(
  services: readonly (readonly [string, Service])[],
  env: Stack['env'],
  portVariables: readonly string[],
): string[] {
  const faults: string[] = [];
  const used = new Set<string>();
  for (const [key, service] of services)
    for (const port of service.ports ?? []) {
      const text = typeof port === 'string' ? port : JSON.stringify(port);
      const [, variable, fallback] = /^127\.0\.0\.1:\$\{(PUBLISH_\w+):-(\d+)\}:\d+$/.exec(text) ?? [];
      if (variable === undefined)
        faults.push(
          `service ${key} publishes "${text}": write "127.0.0.1:\${PUBLISH_NAME:-PORT}:TARGET", and PUBLISH_NAME=PORT in .env, so that a run can take a free port`,
        );
      else {
        used.add(variable);
        if (env[variable] !== fallback)
          faults.push(
            `.env must say ${variable}=${fallback}, as compose.yaml does (it says ${env[variable] ?? 'nothing'})`,
          );
      }
    }
  for (const variable of portVariables)
    if (!used.has(variable)) faults.push(`.env has ${variable}, and no service publishes it`);
  return faults;
}

interface Part {
  readonly service: Service;
  /** The file that it is in. */
  readonly file: string;
  /** What it extends and is not there. */
  readonly missing?: string;
}

/** A service and the parts that it extends, the nearest first. */
function lineage(service: Service, file: string): Part[] {
  const { file: other, service: name } = (service.extends ?? {}) as { file?: string; service?: string };
  if (other === undefined || name === undefined) return [{ service, file }];
  const next = join(dirname(file), other);
  const part = existsSync(next) ? readCompose(next).services?.[name] : undefined;
  if (!part) return [{ service, file, missing: `${name} of ${other}` }];
  return [{ service, file }, ...lineage(part, next)];
}

/** A label's value. */
function valueOf(labels: Labels, name: string): string | undefined {
  const value = asMap(labels)[name];
  return typeof value === 'string' ? value : undefined;
}

/** Compose takes labels as a map and as a list. */
function asMap(labels: Labels): Readonly<Record<string, unknown>> {
  if (!Array.isArray(labels)) return (labels as Readonly<Record<string, unknown>> | undefined) ?? {};
  return Object.fromEntries(
    (labels as readonly string[]).map((line) => {
      const [name = '', ...value] = line.split('=');
      return [name, value.join('=')];
    }),
  );
}
