import { existsSync, readFileSync } from 'node:fs';

/** The machine that setup runs on, as far as installing an engine is concerned. */
export interface System {
  platform: NodeJS.Platform;
  /** `ID` of os-release: debian, ubuntu, fedora…; empty where there is none. */
  id: string;
  /** `VERSION_CODENAME`: bookworm, trixie, noble…; empty where there is none. */
  codename: string;
  /** `ID_LIKE`: the distributions that it derives from. */
  like: string[];
  /** `PRETTY_NAME`, for messages. */
  name: string;
  root: boolean;
  /** systemd is the running service manager, by the same check as sd_booted(3). */
  systemd: boolean;
}

/** Looks at the machine: a few small files, no command. */
export function findSystem(): System {
  const release = process.platform === 'linux' ? parseOsRelease(readOsRelease()) : {};
  return {
    platform: process.platform,
    id: release.ID ?? '',
    codename: release.VERSION_CODENAME ?? '',
    like: (release.ID_LIKE ?? '').split(' ').filter((word) => word !== ''),
    name: release.PRETTY_NAME ?? (process.platform === 'darwin' ? 'macOS' : process.platform),
    root: process.getuid?.() === 0,
    systemd: existsSync('/run/systemd/system'),
  };
}

/**
 * Parses os-release(5): `KEY=value` lines, values optionally quoted as in a shell, `#` comments.
 * Lines of any other form are skipped.
 */
export function parseOsRelease(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim());
    if (!match) continue;
    const [, key = '', raw = ''] = match;
    const quoted = /^(["'])(.*)\1$/.exec(raw);
    found[key] = quoted ? (quoted[2] ?? '').replace(/\\(["'$`\\])/g, '$1') : raw;
  }
  return found;
}

/** True on the two distributions whose packages setup knows. */
export function isDebianOrUbuntu(system: System): boolean {
  return system.id === 'debian' || system.id === 'ubuntu';
}

function readOsRelease(): string {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // The next place of the two that os-release(5) names.
    }
  }
  return '';
}
