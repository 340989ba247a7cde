import { atLeast, decide, MIN_COMPOSE, MIN_ENGINE } from '../setup/engine/plan.ts';
import type { Inspection } from './inspect.ts';
import { type Finding, gigabytes } from '../lib/findings.ts';
import { isDebianOrUbuntu } from '../setup/engine/system.ts';

/** Bytes: below the first the images hardly fit, below the second it gets tight. */
const DISK_NEEDED = 2e9;
const DISK_COMFORT = 5e9;

/** Bytes of memory that a stack wants. */
const MEMORY_COMFORT = 2e9;

const SETUP = ['Fix it:', '    make setup'];

/** Judges what was found: one finding a line of the report. A stack could run when none is bad. */
export function diagnose(inspection: Inspection): Finding[] {
  return [
    ...engineFindings(inspection),
    registryFinding(inspection),
    ...imageFinding(inspection),
    ...machineFindings(inspection),
    ...nodeFindings(inspection),
  ];
}

function engineFindings({ facts }: Inspection): Finding[] {
  const { daemon, endpoint, compose, buildx } = facts;
  const chosen = { default: '', DOCKER_HOST: ' (DOCKER_HOST)', context: ` (context ${endpoint.context})` }[
    endpoint.source
  ];
  const plan = decide(facts);
  const found: Finding[] = [];
  if (daemon.state === 'up') {
    const old = !atLeast(daemon.version, MIN_ENGINE);
    found.push({
      mark: old ? 'note' : 'ok',
      name: 'engine',
      text: `${daemon.version} (${daemon.os}/${daemon.arch})${old ? `, older than ${MIN_ENGINE}, which the health checks need` : ''}`,
    });
    found.push({ mark: 'ok', name: 'listens at', text: `${endpoint.host || 'the address of its context'}${chosen}` });
  } else {
    const advice = plan.action === 'refuse' ? plan.advice : SETUP;
    const text = plan.action === 'use' ? daemon.detail : plan.because;
    found.push({ mark: 'bad', name: 'engine', text, advice });
  }
  if (daemon.state === 'up' && plan.action !== 'use') {
    const advice = plan.action === 'refuse' ? plan.advice : SETUP;
    found.push({ mark: 'bad', name: 'compose', text: plan.because, advice });
  } else {
    const enough = atLeast(compose, MIN_COMPOSE);
    const text = enough ? (compose ?? '') : `${compose ?? 'none'}; ${MIN_COMPOSE} or newer is needed`;
    found.push({ mark: enough ? 'ok' : 'bad', name: 'compose', text });
  }
  found.push({
    mark: buildx ? 'ok' : 'note',
    name: 'buildx',
    text: buildx ?? 'none; compose builds with its own if it can',
  });
  return found;
}

function registryFinding({ registry, missing, facts }: Inspection): Finding {
  const name = 'registry';
  if (registry === 'reachable') return { mark: 'ok', name, text: 'reachable' };
  if (registry === 'not asked') return { mark: 'note', name, text: 'not asked' };
  if (missing?.length === 0) return { mark: 'ok', name, text: 'not reachable, and not needed' };
  const canBuild = isDebianOrUbuntu(facts.system) && facts.system.root;
  return canBuild
    ? { mark: 'ok', name, text: "not reachable; base images are built from Debian's packages" }
    : {
        mark: 'bad',
        name,
        text: 'not reachable, and base images can be built only on Debian or Ubuntu as root',
        advice: [
          'Let the engine reach a registry, perhaps by a proxy:',
          '    https://docs.docker.com/engine/daemon/proxy/',
        ],
      };
}

function imageFinding({ missing }: Inspection): Finding[] {
  if (missing === undefined) return [];
  const name = 'base images';
  if (missing.length === 0) return [{ mark: 'ok', name, text: 'all there' }];
  return [{ mark: 'bad', name, text: `missing: ${missing.join(', ')}`, advice: SETUP }];
}

function machineFindings({ facts, engineHost, freeBytes, machine }: Inspection): Finding[] {
  const found: Finding[] = [];
  if (freeBytes !== undefined) {
    const mark = freeBytes < DISK_NEEDED ? 'bad' : freeBytes < DISK_COMFORT ? 'note' : 'ok';
    const where = engineHost ? ` in ${engineHost.folder}` : '';
    const advice = mark === 'ok' ? [] : ['See what takes it:', '    docker system df'];
    found.push({ mark, name: 'free disk', text: gigabytes(freeBytes) + where, advice });
  }
  const memory = engineHost?.memoryBytes ?? machine.memoryBytes;
  found.push({
    mark: memory < MEMORY_COMFORT ? 'note' : 'ok',
    name: 'memory',
    text: `${gigabytes(memory)}, ${engineHost?.cpus ?? machine.cpus} CPUs`,
  });
  if (engineHost) found.push({ mark: 'ok', name: 'cgroups', text: engineHost.cgroups });
  found.push({ mark: 'ok', name: 'system', text: `${facts.system.name}${facts.system.systemd ? ', systemd' : ''}` });
  return found;
}

function nodeFindings({ hostNode, npm, pinnedNode }: Inspection): Finding[] {
  return [
    { mark: 'ok', name: 'Node', text: `${pinnedNode} for the scripts, ${hostNode ?? 'none'} of the machine's own` },
    npm
      ? { mark: 'ok', name: 'npm', text: npm }
      : { mark: 'note', name: 'npm', text: 'none; needed to update node_modules' },
  ];
}
