import semver from 'semver';
import { engineAdvice, permissionAdvice, pluginAdvice, startAdvice } from './advice.ts';
import type { EngineFacts } from './facts.ts';
import { isDebianOrUbuntu } from './system.ts';

/** The oldest compose plugin that the stacks run with (`start_interval`, `depends_on.required`…). */
export const MIN_COMPOSE = '2.24';

/** The oldest engine that knows `start_interval`, by which health checks are quick. */
export const MIN_ENGINE = '25';

/**
 * Whether a version is new enough. Pre-releases count as what they announce, and revisions of a distribution do not count.
 * @param version as programs print it: `v2.26.1-4+b2`; undefined where none answered
 */
export const atLeast = (version: string | undefined, wanted: string): boolean =>
  semver.gte(semver.coerce(version) ?? '0.0.0', semver.coerce(wanted)!);

/** A part that setup can install; what the package is called is the distribution's affair. */
export type Component = 'engine' | 'cli' | 'compose' | 'buildx';

export type Plan =
  /** Everything is there; nothing is touched. */
  | { action: 'use' }
  /** Install these (may be none), start the daemon if asked to, then look again. */
  | { action: 'prepare'; because: string; install: Component[]; start: boolean }
  /** Not setup's to repair: `because` is a sentence, `advice` the lines that tell what to do. */
  | { action: 'refuse'; because: string; advice: string[] };

/**
 * Decides what is to be done about the engine. An engine that somebody chose (DOCKER_HOST, a
 * context) or that runs is never installed over, started or stopped; a missing plugin is added
 * beside it only where it is the distribution's own engine.
 */
export function decide(facts: EngineFacts): Plan {
  const { system, endpoint, daemon } = facts;
  const where = endpoint.host || `the context "${endpoint.context}"`;

  if (daemon.state === 'permission') {
    return refuse(`This user may not talk to the container engine at ${where}.`, permissionAdvice(system, endpoint));
  }
  if (daemon.state === 'silent') {
    return refuse(`The container engine at ${where} does not answer properly: ${daemon.detail}.`, [
      'Look at its log, restart it, then try again.',
    ]);
  }
  if (daemon.state === 'down' && endpoint.source !== 'default') {
    const chosen = endpoint.source === 'context' ? `the docker context "${endpoint.context}"` : 'DOCKER_HOST';
    return refuse(
      `No container engine answers at ${endpoint.host || 'the address'} that ${chosen} names (${daemon.detail}).`,
      startAdvice(system, endpoint),
    );
  }
  if (daemon.state === 'up' && daemon.os !== 'linux') {
    return refuse(`The container engine at ${where} runs ${daemon.os} containers.`, ['Switch it to Linux containers.']);
  }

  const composeMissing = !atLeast(facts.compose, MIN_COMPOSE);
  const composeLack = facts.compose
    ? `docker compose is ${facts.compose}, older than ${MIN_COMPOSE}`
    : 'docker compose does not answer';
  if (daemon.state === 'up' && facts.cli && !composeMissing) return { action: 'use' };

  const plugins: Component[] = [
    ...(facts.cli ? [] : (['cli'] as const)),
    ...(composeMissing ? (['compose'] as const) : []),
    ...(facts.buildx ? [] : (['buildx'] as const)),
  ];
  const capable = isDebianOrUbuntu(system) && system.root && facts.mayInstall;

  if (daemon.state === 'up') {
    const lack = facts.cli ? composeLack : 'the docker command is missing';
    if (capable && !facts.dockerCe && endpoint.source === 'default') {
      return { action: 'prepare', because: `An engine runs here, but ${lack}.`, install: plugins, start: false };
    }
    return refuse(`An engine answers at ${where}, but ${lack}.`, pluginAdvice(system, facts.dockerCe));
  }

  if (facts.dockerd) {
    const because = 'A container engine is installed here, but does not run.';
    if (!capable || (facts.dockerCe && plugins.some((part) => part !== 'buildx'))) {
      const more = composeMissing ? pluginAdvice(system, facts.dockerCe) : [];
      return refuse(because, [...startAdvice(system, endpoint), ...more]);
    }
    return { action: 'prepare', because, install: facts.dockerCe ? [] : plugins, start: true };
  }
  const because = 'There is no container engine here.';
  if (!capable) return refuse(because, engineAdvice(system, facts.mayInstall));
  return { action: 'prepare', because, install: ['engine', ...plugins], start: true };
}

function refuse(because: string, advice: string[]): Plan {
  return { action: 'refuse', because, advice };
}
