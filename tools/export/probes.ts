/** Health checks of compose, and targets of the probe sidecar, as Kubernetes' probes. */
import { readParameters } from '#kit/contract/parameters.ts';
import { readTargets } from '../../sidecars/probe/src/targets/read.ts';
import { contract as probeContract } from '../../sidecars/probe/src/contract.ts';
import { defaultPort } from '#kit/contract/contract.ts';
import { pairs } from '../compose/facts.ts';
import type { Service } from '../compose/project.ts';
import { from, noted } from '../yaml/commented.ts';
import { get, isTrue, items, text, texts, type Place, type Tree } from '../yaml/tree.ts';
import { builtOf } from './built.ts';
import { bundledSidecarOf } from './images.ts';
import type { Pod } from './pods.ts';
import { membersOf } from './pods.ts';
import type { Findings } from './problems.ts';
import { seconds, words } from '../compose/values.ts';
import { literally } from './units.ts';

export type Style = 'native' | 'plain';
type Probe = Record<string, unknown>;
export interface Probes {
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

/** How every sidecar of this house is asked for its health, in its own container. */
const KIT = '/sidecar/healthcheck';

/** A health check, from the compose file and, where that is silent, from the image's Dockerfile. */
interface HealthCheck {
  readonly command: readonly string[];
  readonly at: Place;
  readonly seconds: (key: string) => number | undefined;
  readonly retries: number;
}

function healthCheckOf(service: Service, base: string): HealthCheck | undefined {
  const said = get(service.tree, 'healthcheck');
  if (isTrue(get(said, 'disable'))) return undefined;
  const image = builtOf(service, base);
  const test = get(said, 'test');
  const command = test === undefined ? image?.healthcheck : commandOf(test);
  if (command === undefined || command.length === 0) return undefined;
  const own = (key: string): string | undefined => image?.healthcheckOptions[key.replaceAll('_', '-')];
  return {
    command,
    at: said?.at ?? get(service.tree, 'build')!.at,
    seconds: (key) => seconds(text(get(said, key)) ?? own(key)),
    retries: Number(text(get(said, 'retries')) ?? own('retries') ?? 3),
  };
}

/** What of a service's health check Kubernetes has to know. */
export function probesOf(service: Service, base: string, style: Style): Probes {
  const check = healthCheckOf(service, base);
  if (!check) return {};
  const { command, at, retries } = check;
  const startPeriod = check.seconds('start_period') ?? 0;
  const timeoutSeconds = check.seconds('timeout') ?? 30;
  const interval = check.seconds('interval') ?? 30;
  const every = check.seconds('start_interval') ?? (startPeriod > 0 ? 5 : interval);
  const periodSeconds = Math.max(1, Math.min(every, 5));
  const startup = { periodSeconds, timeoutSeconds, failureThreshold: Math.ceil(startPeriod / periodSeconds) + retries };
  if (command[0] === KIT) {
    const ask = kitProbe(service, base, style);
    return {
      startupProbe: from({ ...ask(command[1] ?? '/startupz'), ...startup, failureThreshold: 60 }, at),
      livenessProbe: { ...ask('/healthz'), periodSeconds: 10, timeoutSeconds, failureThreshold: 3 },
      readinessProbe: { ...ask('/readyz'), periodSeconds: 5, timeoutSeconds },
    };
  }
  const exec = { exec: { command: command.map(literally) } };
  return {
    startupProbe: from({ ...exec, ...startup }, at),
    // Compose restarts nothing that is unhealthy: so there is no liveness probe of it.
    readinessProbe: from(
      { ...exec, periodSeconds: Math.max(1, interval), timeoutSeconds, failureThreshold: retries },
      at,
    ),
  };
}

function commandOf(test: Tree): string[] | undefined {
  if (test.kind !== 'seq') {
    const line = text(test);
    return line === undefined ? undefined : ['/bin/sh', '-c', line];
  }
  const [kind, ...rest] = texts(test);
  if (kind === 'CMD') return rest;
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', rest.join(' ')] : undefined;
}

/** By HTTP where the kubelet reaches the admin port, and else by what the image has for it. */
function kitProbe(service: Service, base: string, style: Style): (path: string) => Probe {
  const environment = pairs(get(service.tree, 'environment'));
  const known = bundledSidecarOf(service);
  const image = builtOf(service, base);
  const port =
    environment.get('ADMIN_PORT')?.text ??
    (known && String(defaultPort(known.bundled.contract, 'admin'))) ??
    image?.env.get('ADMIN_PORT');
  const address = environment.get('ADMIN_ADDRESS')?.text ?? '';
  const inside = /^(127\.|::1|localhost)/.test(address);
  if (style === 'native' && !inside && Number(port) > 0) return (path) => ({ httpGet: { path, port: Number(port) } });
  return (path) => ({ exec: { command: [KIT, path] } });
}

/** Liveness probes by service, and whether each target of the pod's probe sidecars became one. */
export interface Liveness {
  readonly probes: ReadonlyMap<string, Probe>;
  /** Probe sidecars whose every target became a probe: Kubernetes does their work. */
  readonly replaced: ReadonlySet<string>;
}

/** The targets of a pod's probe sidecars as probes of the containers that they are about. */
export function livenessOf(pod: Pod, findings: Findings): Liveness {
  const probes = new Map<string, Probe>();
  const replaced = new Set<string>();
  for (const service of membersOf(pod)) {
    if (bundledSidecarOf(service)?.name !== 'probe') continue;
    const environment = pairs(get(service.tree, 'environment'));
    const at = environment.get('PROBE_TARGETS')?.at ?? service.at;
    let whole = true;
    for (const target of targetsOf(service, findings)) {
      const about = membersOf(pod).find(
        (each) => each !== service && (each.name === target.name || runs(each, target.process)),
      );
      const probe = handler(target.check);
      if (!about || !probe) {
        whole = false;
        findings.warn(
          'probe-target',
          at,
          about
            ? `target ${target.name} of ${service.name} is probed by its process, which Kubernetes cannot: ${service.name} stays`
            : `target ${target.name} of ${service.name} is no container of the pod: ${service.name} stays`,
        );
        continue;
      }
      probes.set(
        about.name,
        from(
          {
            ...probe,
            initialDelaySeconds: whole1(target.initialDelay),
            periodSeconds: Math.max(1, whole1(target.period)),
            timeoutSeconds: Math.max(1, whole1(target.timeout)),
            failureThreshold: target.failureThreshold,
            terminationGracePeriodSeconds: Math.max(1, whole1(target.gracePeriod)),
          },
          at,
        ),
      );
      if (bundledSidecarOf(about) === undefined)
        findings.warn(
          'probe-from-outside',
          at,
          `the kubelet probes ${about.name} at the pod's address, not at 127.0.0.1: it must listen there, too`,
        );
    }
    if (whole && probes.size > 0) replaced.add(service.name);
  }
  return { probes, replaced };
}

const whole1 = (milliseconds: number): number => Math.ceil(milliseconds / 1000);

function targetsOf(service: Service, findings: Findings): ReturnType<typeof readTargets> {
  const env = Object.fromEntries(
    [...pairs(get(service.tree, 'environment'))].flatMap(([name, said]) =>
      said.text === '' ? [] : [[name, said.text]],
    ),
  );
  try {
    const { values } = readParameters(probeContract.parameters, {
      env,
      prefixes: probeContract.prefixes,
      readFile: () => {
        throw new Error('it is read in the container');
      },
    });
    return readTargets(values);
  } catch (error) {
    findings.warn(
      'probe-targets',
      service.at,
      `${service.name}: its targets cannot be read here, so it stays: ${(error as Error).message}`,
    );
    return [];
  }
}

type Check = ReturnType<typeof readTargets>[number]['check'];

function handler(check: Check): Probe | undefined {
  if (check.kind === 'process') return undefined;
  if (check.kind === 'tcp') return { tcpSocket: { port: check.port, ...hostOf(check.host) } };
  const url = new URL(check.url);
  const httpHeaders = Object.entries(check.headers).map(([name, value]) => ({ name, value }));
  return {
    httpGet: {
      path: `${url.pathname}${url.search}`,
      port: Number(url.port || 80),
      ...hostOf(url.hostname),
      ...(httpHeaders.length > 0 && { httpHeaders }),
    },
  };
}

/** The loopback address is the pod's own to a sidecar, and the node's to the kubelet. */
const hostOf = (host: string): { host?: string } =>
  /^(127\.|localhost$|\[?::1\]?$)/.test(host) ? {} : { host: noted(host, 'as the probe sidecar was told') };

/** Whether a service's command runs a program of this name. */
function runs({ name, tree }: Service, process: string): boolean {
  const image = text(get(tree, 'image')) ?? '';
  const command = get(tree, 'command');
  const line =
    command?.kind === 'seq' ? items(command).flatMap((item) => text(item) ?? []) : words(text(command) ?? '');
  const base = process.replace(/\.\w+$/, '');
  return (
    line.some((word) => word.split('/').at(-1) === process) ||
    new RegExp(`(^|/)${base.replaceAll(/[^\w-]/g, '.')}(:|@|$)`).test(image) ||
    name === base
  );
}

/** Where a service says that it listens, by contract of its sidecar: for clashes within a pod. */
export function listensAt(service: Service): { port: number; at: Place }[] {
  const known = bundledSidecarOf(service);
  const environment = pairs(get(service.tree, 'environment'));
  const exposed = items(get(service.tree, 'expose')).flatMap((item) => {
    const port = Number(text(item)?.split('/')[0]);
    return port > 0 ? [{ port, at: item.at }] : [];
  });
  if (!known) return exposed;
  const { contract } = known.bundled;
  const own = Object.entries(contract.ports).flatMap(([name, { parameter }]) => {
    const said = environment.get(parameter);
    const port = Number(said?.text.split(':').at(-1) ?? defaultPort(contract, name));
    return port > 0 ? [{ port, at: said?.at ?? service.at }] : [];
  });
  return [...exposed, ...own];
}
