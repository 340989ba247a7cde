/** Real repositories for tests, made with the machine's git. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';

const ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ALLOW_PROTOCOL: 'file',
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.test',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.test',
};

/** A file's content; an executable one, or a symbolic link. */
export type Content = string | Buffer | { readonly executable: string } | { readonly link: string };

/** A repository with a working tree, where commits are made. */
export class TestRepository {
  readonly directory: string;
  readonly url: string;

  constructor(directory = temporaryDirectory('git-sync-repository')) {
    this.directory = directory;
    this.url = `file://${directory}`;
    mkdirSync(directory, { recursive: true });
    this.git('init', '--quiet', '--initial-branch=main', '.');
  }

  git(...args: string[]): string {
    try {
      return execFileSync('git', args, { cwd: this.directory, env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] })
        .toString()
        .trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('these tests need git', { cause: error });
      throw error;
    }
  }

  /** Add or replace files, and remove those that are null; the commit's hash. */
  commit(files: Readonly<Record<string, Content | null>>): string {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.directory, path);
      rmSync(file, { recursive: true, force: true });
      if (content === null) continue;
      mkdirSync(dirname(file), { recursive: true });
      if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, file);
      else if (typeof content === 'object' && 'executable' in content) {
        writeFileSync(file, content.executable);
        chmodSync(file, 0o755);
      } else writeFileSync(file, content);
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message=a commit');
    return this.head();
  }

  head(): string {
    return this.git('rev-parse', 'HEAD');
  }
}
