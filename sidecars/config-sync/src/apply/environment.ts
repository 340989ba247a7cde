/** What programs that we run get of our environment: nothing that could be a token. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ'];

/** The environment of a check and of a command that tells the application. */
export const bareEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    INHERITED.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]),
  );
