/** A configuration in a file, watched: a mesh without a control plane. */
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DirectoryWatch } from '#kit/files/directory-watch.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import { ConfigurationRefused, type ConfigurationSource, type ConfigurationUser } from '#mesh/model/source.ts';
import { checkConfiguration } from './check.ts';

const MAX_SIZE = 4 * 1024 * 1024;
/** In milliseconds. */
const SETTLE = 50;
const POLL = 5000;

export class FileSource implements ConfigurationSource {
  readonly #path: string;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  #user: ConfigurationUser | undefined;
  #watch: DirectoryWatch | undefined;
  #seen = '';
  #looking = false;

  constructor(path: string, log: Pick<Logger, 'info' | 'warn'>) {
    this.#path = path;
    this.#log = log;
  }

  start(user: ConfigurationUser): void {
    this.#user = user;
    const look = (): void => void this.#look();
    this.#watch = new DirectoryWatch({ onChange: look, onPoll: look, onBlind: () => {}, settle: SETTLE, poll: POLL });
    look();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.#watch!.follow([dirname(this.#path)], [this.#path]);
      const { size } = await stat(this.#path);
      if (size > MAX_SIZE) throw new ConfigurationRefused(`it is larger than ${MAX_SIZE} bytes`);
      const text = await readFile(this.#path, 'utf8');
      if (text === this.#seen) return;
      this.#seen = text;
      const configuration: unknown = JSON.parse(text);
      checkConfiguration(configuration);
      this.#user?.(configuration as Configuration);
      this.#log.info({ path: this.#path }, 'configuration in use');
    } catch (error) {
      this.#log.warn(
        { path: this.#path, reason: (error as Error).message },
        'configuration refused: the former one stays',
      );
    } finally {
      this.#looking = false;
    }
  }

  close(): void {
    this.#user = undefined;
    this.#watch?.close();
  }
}
