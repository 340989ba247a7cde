import { addRelease, aptInstall, aptUpdate } from './apt.ts';
import { DAEMON_LOG, startDaemon } from './daemon.ts';
import { type EngineFacts, observe } from './facts.ts';
import { type Component, decide } from './plan.ts';
import { SetupError } from '../lib/setup-error.ts';
import type { System } from './system.ts';

/** The engine as setup leaves it. */
export interface Engine {
  version: string;
  /** Go's name of its processor: `amd64`, `arm64`… */
  arch: string;
  /** Where it listens. */
  host: string;
  compose: string;
  buildx: string | undefined;
  /** What setup installed for it, by package name; empty when it was there. */
  installed: string[];
  /** Setup started it. */
  started: boolean;
}

export interface EngineOptions {
  /** Gets a line before each step that takes time. */
  say: (line: string) => void;
  signal?: AbortSignal | undefined;
  /**
   * Called before an engine is installed, when apt's lists are there: what it begins goes on beside the installation.
   * @param arch Go's name of this machine's processor
   */
  beforeInstall?: (arch: string) => Promise<void>;
}

/**
 * Makes sure that an engine and a compose plugin answer; see `decide` for what it does in which case.
 * Throws SetupError (`refused` with advice when somebody else has to act).
 */
export async function ensureEngine(options: EngineOptions): Promise<Engine> {
  const { say, signal } = options;
  const found = await observe(signal);
  const plan = decide(found);
  const made = { installed: [] as string[], started: false };
  if (plan.action !== 'prepare') return settled(found, made);

  say(plan.because);
  if (plan.install.length > 0) made.installed = await install(found.system, plan.install, options);
  signal?.throwIfAborted();
  if (plan.start) {
    const since = Date.now();
    say(`Starting it ${found.system.systemd ? 'with systemd' : `as a process of its own, log in ${DAEMON_LOG}`}`);
    await startDaemon(found.system, found.endpoint, signal);
    say(`It answers after ${seconds(since)}`);
    made.started = true;
  }
  return settled(await observe(signal), made);
}

/** What setup did for an engine. */
type Made = Pick<Engine, 'installed' | 'started'>;

function settled(facts: EngineFacts, made: Made): Engine {
  const engine = usableEngine(facts, made);
  if (!engine) throw new SetupError('failed', 'The engine cannot be used yet.', ['See why:', '    make doctor']);
  return engine;
}

/**
 * The engine, if it can be used as it was observed; undefined when setup has something to do first.
 * Throws SetupError (`refused`, with advice) when somebody else has.
 */
export function usableEngine(facts: EngineFacts, made: Made = { installed: [], started: false }): Engine | undefined {
  const { daemon, compose, buildx, endpoint } = facts;
  const plan = decide(facts);
  if (plan.action === 'refuse') throw new SetupError('refused', plan.because, plan.advice);
  if (plan.action === 'prepare' || daemon.state !== 'up' || !compose) return undefined;
  return { version: daemon.version, arch: daemon.arch, host: endpoint.host, compose, buildx, ...made };
}

/** Names of the packages that hold these components, by the distribution's release. */
export function packagesFor(system: Pick<System, 'id' | 'codename'>, components: readonly Component[]): string[] {
  const compose = system.id === 'ubuntu' ? 'docker-compose-v2' : 'docker-compose';
  const names: Record<Component, string> = {
    engine: 'docker.io',
    // Ubuntu's engine package holds the command too.
    cli: system.id === 'ubuntu' ? 'docker.io' : 'docker-cli',
    compose,
    buildx: 'docker-buildx',
  };
  const suite = releaseToAdd(system);
  return [...new Set(components.map((part) => names[part]))].map((name) => (suite ? `${name}/${suite}` : name));
}

/**
 * The Debian release whose packages have to be added: bookworm's own compose is the dead 1.29,
 * while trixie's packages need nothing that bookworm lacks (libc6 2.34).
 */
export function releaseToAdd(system: Pick<System, 'id' | 'codename'>): string | undefined {
  return system.id === 'debian' && system.codename === 'bookworm' ? 'trixie' : undefined;
}

async function install(
  system: System,
  components: readonly Component[],
  { say, signal, beforeInstall }: EngineOptions,
): Promise<string[]> {
  const since = Date.now();
  const packages = packagesFor(system, components);
  const release = releaseToAdd(system);
  say('Fetching the package lists');
  await aptUpdate(signal);
  if (release) {
    const mirror = await addRelease(system.codename, release, signal);
    say(`Added ${release} from ${mirror}, for packages asked by name only`);
  }
  if (components.includes('engine')) await beforeInstall?.(process.arch === 'x64' ? 'amd64' : process.arch);
  say(`Installing ${packages.join(' ')}`);
  await aptInstall(packages, signal);
  say(`Installed after ${seconds(since)}`);
  return packages;
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
