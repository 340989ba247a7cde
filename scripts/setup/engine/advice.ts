import type { Endpoint } from '../../lib/endpoint.ts';
import { isDebianOrUbuntu, type System } from './system.ts';

/**
 * What a person is told to type where setup does not act by itself. Every function returns lines;
 * those that are commands are indented by four spaces.
 */

const DOCS = 'https://docs.docker.com/engine/install/';

/** Install commands by distribution, most specific name first (`ID`, then each of `ID_LIKE`). */
const INSTALL: Record<string, readonly string[]> = {
  debian: ['apt-get update', 'apt-get install docker.io docker-compose docker-buildx'],
  ubuntu: ['apt-get update', 'apt-get install docker.io docker-compose-v2 docker-buildx'],
  fedora: ['dnf install moby-engine docker-cli docker-compose docker-buildx', 'systemctl enable --now docker'],
  arch: ['pacman -S docker docker-compose docker-buildx', 'systemctl enable --now docker'],
  alpine: [
    'apk add docker docker-cli-compose docker-cli-buildx',
    'rc-update add docker default',
    'service docker start',
  ],
  suse: ['zypper install docker docker-compose docker-buildx', 'systemctl enable --now docker'],
};

/** Debian releases whose own packages are too old for a plain install. */
const OLD_DEBIAN = new Set(['stretch', 'buster', 'bullseye', 'bookworm']);

/** How to get an engine, its compose plugin and buildx on this system. */
export function engineAdvice(system: System, mayInstall: boolean): string[] {
  const needed = 'Needed: Docker Engine 25 or newer, with compose 2.24 or newer and buildx.';
  if (system.platform === 'darwin') {
    return [
      needed,
      'Install and start one of:',
      '    brew install --cask docker-desktop && open -a Docker',
      '    brew install colima docker docker-compose docker-buildx && colima start',
    ];
  }
  if (system.platform === 'win32') {
    return [
      needed,
      'Install Docker Desktop with its WSL 2 backend and work inside WSL:',
      '    winget install Docker.DockerDesktop',
    ];
  }
  if (isDebianOrUbuntu(system) && !OLD_DEBIAN.has(system.codename)) {
    return [needed, ...bySetup(system, mayInstall), 'By hand:', ...commands(system, INSTALL[system.id] ?? [])];
  }
  if (system.id === 'debian' && system.codename === 'bookworm') {
    return [
      needed,
      ...bySetup(system, mayInstall),
      'By hand: this release has too old a compose; follow',
      `    ${DOCS}debian/`,
    ];
  }
  const family = [system.id, ...system.like].find((name) => name in INSTALL);
  // Derivatives of Debian with an unknown release, and old ones, are better off with Docker's own packages.
  if (family === undefined || family === 'debian') return [needed, `Install it for ${system.name}:`, `    ${DOCS}`];
  return [needed, `Install it for ${system.name}:`, ...commands(system, INSTALL[family] ?? [])];
}

/** How to get the compose plugin beside an engine that is there already. */
export function pluginAdvice(system: System, dockerCe: boolean): string[] {
  if (dockerCe) {
    return [
      'Add the plugins from the package source that the engine came from:',
      ...commands(system, ['apt-get install docker-ce-cli docker-compose-plugin docker-buildx-plugin']),
    ];
  }
  if (system.platform === 'darwin' || system.platform === 'win32') {
    return ['Update Docker Desktop, or install the plugin:', '    brew install docker-compose docker-buildx'];
  }
  if (system.id === 'debian' && !OLD_DEBIAN.has(system.codename)) {
    return ['Install the plugins:', ...commands(system, ['apt-get install docker-cli docker-compose docker-buildx'])];
  }
  if (system.id === 'ubuntu') {
    return ['Install the plugins:', ...commands(system, ['apt-get install docker-compose-v2 docker-buildx'])];
  }
  return ['Install the compose plugin, 2.24 or newer:', '    https://docs.docker.com/compose/install/linux/'];
}

/** How to start the engine that should be listening at this address. */
export function startAdvice(system: System, endpoint: Endpoint): string[] {
  if (endpoint.source === 'DOCKER_HOST') {
    return ['Start the engine there, or go back to the usual one:', '    unset DOCKER_HOST'];
  }
  if (endpoint.source === 'context') {
    const start = endpoint.context?.startsWith('desktop')
      ? 'Start Docker Desktop'
      : endpoint.context === 'colima'
        ? 'Start Colima (`colima start`)'
        : 'Start that engine';
    return [`${start}, or go back to the usual one:`, '    docker context use default'];
  }
  if (system.platform !== 'linux') return ['Start Docker Desktop.'];
  return system.systemd
    ? ['Start it:', ...commands(system, ['systemctl enable --now docker'])]
    : ['Start it:', ...commands(system, ['service docker start'])];
}

/** What to do about a socket that this user may not open. */
export function permissionAdvice(system: System, endpoint: Endpoint): string[] {
  if (endpoint.source !== 'default') return ['Log in as a user who may, or choose another engine.'];
  if (system.root) return ['Even root may not open it: is this a restricted container or session?'];
  return [
    'Join the group that may, and log in again:',
    ...commands(system, ['usermod -aG docker "$USER"']),
    'or run the command with sudo this time.',
  ];
}

function bySetup(system: System, mayInstall: boolean): string[] {
  if (!mayInstall) return ['Setup installs it when SETUP_ENGINE is not "no":', ...commands(system, ['make setup'])];
  return ['As root, setup installs it:', '    sudo make setup'];
}

function commands(system: System, lines: readonly string[]): string[] {
  return lines.map((line) => `    ${system.root ? '' : 'sudo '}${line}`);
}
