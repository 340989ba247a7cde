/** The sidecar as a process of its own, and what tests need to follow it. */
import { join } from 'node:path';
import { freePort } from '#kit/testing/ports.ts';
import { Program } from '#kit/testing/program.ts';
import type { FileStatus } from '../loop/runner.ts';

/** Short times, so that tests can watch what takes minutes in production. */
const QUICK = {
  UPDATE_FREQUENCY: '300ms',
  CONFIG_MAX_AGE: '1s',
  CONFIG_REQUEST_TIMEOUT: '2s',
  CONFIG_RETRY_MAX: '200ms',
  CONFIG_VERIFY_TIMEOUT: '2s',
  CONFIG_NOTIFY_TIMEOUT: '1s',
};

/** The sidecar as a process of its own. */
export class Sidecar extends Program {
  /**
   * Start it; it is not waited for.
   * @param flags of node
   */
  static async start(env: Readonly<Record<string, string>>, flags: readonly string[] = []): Promise<Sidecar> {
    return new Sidecar([...flags, join(import.meta.dirname, '../main.ts')], {
      ...QUICK,
      CONFIG_REPORT_AS: 'test',
      ADMIN_PORT: String(await freePort()),
      ADMIN_ADDRESS: '127.0.0.1',
      ...env,
    });
  }

  /** `/status` of its only file. */
  async file(): Promise<FileStatus> {
    return (JSON.parse((await this.get('/status')).text) as { files: FileStatus[] }).files[0]!;
  }
}
