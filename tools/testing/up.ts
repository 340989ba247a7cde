/** Compose projects as fixtures of integration tests: up, looked at, made to fail, and gone again. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { ComposeStack } from './compose-stack.ts';
import { isolation } from './isolate.ts';
import { StackError, type Stack, type UpOptions } from './stack.ts';

/**
 * Bring a compose project up under a name of its own, with free ports, and wait until it is healthy.
 * It is taken down by the end of the scope (`await using`), and when the test process is killed.
 * @param files a compose file, or several that are laid over each other; relative to the working directory
 * @throws {StackError} with the containers' last log lines when it does not come up
 */
export async function up(files: string | readonly string[], options: UpOptions = {}): Promise<Stack> {
  const list = (typeof files === 'string' ? [files] : files).map((file) => resolve(file));
  const [first] = list;
  if (first === undefined) throw new StackError('up', 'no compose file was given');
  const folder = dirname(first);
  const base =
    (options.name ?? basename(folder))
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '')
      .replace(/^[^a-z0-9]+/, '') || 'stack';
  const project = `${base}-${randomBytes(4).toString('hex')}`;
  const scratch = mkdtempSync(join(tmpdir(), 'sidecar-stacks-'));
  const text = isolation(list, folder);
  const all = [...list];
  if (text !== undefined) {
    const file = join(scratch, 'isolation.yaml');
    writeFileSync(file, text);
    all.push(file);
  }
  const stack = new ComposeStack({ project, folder, files: all, scratch, options });
  await stack.up();
  return stack;
}
