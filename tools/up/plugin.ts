/** `plugin`: the same commands as `docker sidecars …`. */
import { mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXIT_OK, Usage, type Command } from '../command/command.ts';
import { writeNew } from '../files/write.ts';

/** What docker asks a plugin for (docker/cli, "cli-plugins"). */
const METADATA = JSON.stringify({
  SchemaVersion: '0.1.0',
  Vendor: 'sidecar-stacks',
  ShortDescription: 'Sidecars for a compose project',
});

const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The plugin as a program. @param command the program and its arguments */
export const pluginText = (command: readonly string[]): string => `#!/bin/sh
case "$1" in
  docker-cli-plugin-metadata) echo ${word(METADATA)}; exit ;;
  sidecars) shift ;;
esac
exec ${command.map(word).join(' ')} "$@"
`;

export const pluginCommand: Command = {
  summary: 'install the commands as docker sidecars',
  help: () => `Install these commands as a plugin of docker's command line: docker sidecars up

usage: sidecar-stacks plugin install
       sidecar-stacks plugin remove

It is a file of the user: ~/.docker/cli-plugins/docker-sidecars (or below
DOCKER_CONFIG).
`,
  run(args, { environment, out }) {
    const config = environment['DOCKER_CONFIG'] || join(environment['HOME'] ?? homedir(), '.docker');
    const file = join(config, 'cli-plugins', 'docker-sidecars');
    if (args.length !== 1 || (args[0] !== 'install' && args[0] !== 'remove'))
      throw new Usage('plugin takes install or remove');
    if (args[0] === 'remove') rmSync(file, { force: true });
    else {
      mkdirSync(join(config, 'cli-plugins'), { recursive: true });
      writeNew(file, pluginText([process.execPath, resolve(process.argv[1]!)]), 0o755);
    }
    out(args[0] === 'remove' ? `${file} is gone.\n` : `${file} is written. Now there is: docker sidecars up\n`);
    return EXIT_OK;
  },
};
