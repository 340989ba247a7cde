/** nft(8), and what the kernel says when it cannot do what is asked. */
import { CommandError, runCommand } from '#kit/process/command.ts';

/** In milliseconds: rules so few are loaded at once, or not at all. */
const TIMEOUT = 10_000;
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** What nft said; undefined where it did what was asked. */
export type NftError = string | undefined;

/** Runs nft with rules on its standard input. */
export type Nft = (args: readonly string[], rules: string) => Promise<NftError>;

/** @throws {CommandError} where there is no nft, or it does not end */
export const nft: Nft = async (args, rules) => {
  try {
    await runCommand(['nft', ...args, '--file', '-'], { input: rules, timeout: TIMEOUT, env: ENVIRONMENT });
    return undefined;
  } catch (error) {
    if (error instanceof CommandError && error.reason === 'exit') return error.stderr.trim() || error.message;
    throw error;
  }
};
