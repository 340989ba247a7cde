/** /proc/PID/limits: what the kernel allows a process. */

export interface Limit {
  /** In the kernel's words, such as `open files`. */
  readonly name: string;
  /** Null where there is none. */
  readonly soft: number | null;
  readonly hard: number | null;
  /** Such as `files` or `bytes`; empty where the kernel names none. */
  readonly unit: string;
}

/**
 * Parse the file.
 * @param text its content; lines of another form are left out
 */
export function parseLimits(text: string): Limit[] {
  return text.split('\n').flatMap((line) => {
    const [, name, soft, hard, unit = ''] =
      /^Max (\S+(?: \S+)*) {2,}(\d+|unlimited) +(\d+|unlimited)(?: +(\S+))? *$/.exec(line) ?? [];
    if (name === undefined) return [];
    return [{ name, soft: value(soft!), hard: value(hard!), unit }];
  });
}

const value = (text: string): number | null => (text === 'unlimited' ? null : Number(text));
