/**
 * What only the node of a cluster can tell or do: it is a container of this machine's engine, and has containerd.
 * Container ids are those that a pod's status names, without `containerd://`; processes are counted as the node does.
 */
import { docker, type DockerOptions } from '../lib/engine.ts';

const SHORT = { timeoutMs: 30_000 };

export class Node {
  readonly #container: string;

  constructor(container: string) {
    this.#container = container;
  }

  /** Running containers of a namespace, those that hold pods left out: id and first process, as the node counts. */
  async running(namespace: string): Promise<ReadonlyMap<string, number>> {
    const filter = `labels."io.cri-containerd.kind"==container,labels."io.kubernetes.pod.namespace"==${namespace}`;
    const [containers, tasks] = await Promise.all([
      this.run(['ctr', '--namespace', 'k8s.io', 'containers', 'ls', '--quiet', filter]),
      this.run(['ctr', '--namespace', 'k8s.io', 'tasks', 'ls']),
    ]);
    const own = new Set(containers.split('\n'));
    return new Map(
      tasks
        .split('\n')
        .map((line) => line.split(/\s+/))
        .filter(([id, , status]) => own.has(id!) && (status === 'RUNNING' || status === 'PAUSED'))
        .map(([id, pid]) => [id!, Number(pid)]),
    );
  }

  /** End a container's first process by KILL. A pod's init would not pass a signal on that comes from inside. */
  async kill(pid: number): Promise<void> {
    await this.run(['kill', '-KILL', String(pid)]);
  }

  /** Halt a container's processes, or let them go on. */
  async task(what: 'pause' | 'resume', id: string): Promise<void> {
    await this.run(['ctr', '--namespace', 'k8s.io', 'tasks', what, id]);
  }

  /** Run a program in a container as another user; `kubectl exec` knows no user. */
  execAs(id: string, user: string, args: readonly string[], options: DockerOptions): Promise<string> {
    const name = `exec-${process.pid}-${performance.now()}`.replace('.', '-');
    const exec = ['tasks', 'exec', '--user', user, '--exec-id', name, id, ...args];
    return this.run(['ctr', '--namespace', 'k8s.io', ...exec], options);
  }

  /**
   * What the containers of a pod's member have written, those that were restarted too.
   * @param stream one of the two alone
   */
  async log(folder: string, stream?: 'stdout' | 'stderr'): Promise<string> {
    // Each start has a file of its own, numbered from 0 on.
    const script = 'cd "/var/log/pods/$1" 2>/dev/null || exit 0; cat $(ls *.log | sort -n)';
    const text = await this.run(['sh', '-c', script, 'sh', folder]);
    return joinLog(text, stream);
  }

  /** Close, or open again, the way from a process's network to some addresses. */
  async routes(pid: number, what: 'add' | 'del', addresses: readonly string[]): Promise<void> {
    const script = 'for to in "${@:3}"; do nsenter -t "$1" -n ip route "$2" unreachable "$to"; done';
    await this.run(['bash', '-ec', script, 'bash', String(pid), what, ...addresses]);
  }

  /** Run a program on the node. */
  run(args: readonly string[], options: DockerOptions = {}): Promise<string> {
    const flags = options.input === undefined ? [] : ['--interactive'];
    return docker(['exec', ...flags, this.#container, ...args], { ...SHORT, ...options });
  }
}

/**
 * What was written, of the lines of a container runtime's log: `TIME STREAM P|F TEXT`, where P is a part of a line.
 * @param stream one of the two alone
 */
export function joinLog(lines: string, stream?: 'stdout' | 'stderr'): string {
  let joined = '';
  for (const line of lines.split('\n')) {
    const [, from, part, text] = /^\S+ (\S+) ([FP]) ?(.*)$/.exec(line) ?? [];
    if (text !== undefined && (stream === undefined || from === stream)) joined += part === 'P' ? text : `${text}\n`;
  }
  return joined;
}
