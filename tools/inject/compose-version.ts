/** Whether docker compose is new enough for what is written. */
import { execFileSync } from 'node:child_process';
import type { CommandContext } from '../command/command.ts';
import { Refusal } from '../bundled/refusal.ts';

const NEEDED = [2, 24, 4] as const;
const ADVISED = [2, 26, 0] as const;

/** `!reset` and `!override` are honoured from here on; earlier versions would merge what they were to replace. */
export function checkCompose({ err }: CommandContext): void {
  let version: string;
  try {
    version = execFileSync('docker', ['compose', 'version', '--short'], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    err(`Note: docker compose does not answer here; it has to be ${NEEDED.join('.')} or newer.\n`);
    return;
  }
  const parts = version.replace(/^v/, '').split(/[.+-]/).map(Number);
  const older = (than: readonly number[]): boolean => {
    const at = than.findIndex((each, index) => (parts[index] ?? 0) !== each);
    return at !== -1 && (parts[at] ?? 0) < than[at]!;
  };
  if (older(NEEDED))
    throw new Refusal(
      'compose-version',
      `docker compose ${version} does not know !reset and !override well enough: ${NEEDED.join('.')} is needed`,
    );
  if (older(ADVISED)) err(`Note: docker compose ${version} works, ${ADVISED.join('.')} is better.\n`);
}
