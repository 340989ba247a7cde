/** The environment of programs that we run: nothing of ours that could be a token. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ'];

/**
 * The environment of a check and of a command that tells the application.
 * @param entries further variables, as NAME=VALUE, or NAME alone, which is passed on where it is set
 */
export function bareEnvironment(entries: readonly string[] = []): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {};
  for (const entry of [...INHERITED, ...entries]) {
    const at = entry.indexOf('=');
    const value = at < 0 ? process.env[entry] : entry.slice(at + 1);
    if (value !== undefined) environment[at < 0 ? entry : entry.slice(0, at)] = value;
  }
  return environment;
}
