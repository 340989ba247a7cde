/** Two ways of wiring the same parts, as the lifecycle stack has them: a test compares both with its compose files. */

export interface Part {
  readonly service: string;
  readonly role: 'pod' | 'init' | 'sidecar' | 'app';
  /** Whose network it joins; null for one of its own. */
  readonly joins: string | null;
  readonly needs: Readonly<Record<string, 'started' | 'healthy' | 'completed'>>;
  /** The engine starts it again when it ends by itself (`restart: unless-stopped`). */
  readonly restarts: boolean;
  /** Whom it asks whether they are well. */
  readonly probes: readonly string[];
}

export type WiringName = 'pod' | 'naive';

const part = (service: string, role: Part['role'], more: Partial<Part> = {}): Part => ({
  service,
  role,
  joins: null,
  needs: {},
  restarts: role !== 'init',
  probes: [],
  ...more,
});
const prepare = part('prepare', 'init');
const afterPrepare = { prepare: 'completed' } as const;
const inPod = { joins: 'pod', needs: { pod: 'started' } } as const;

export const WIRINGS: Readonly<Record<WiringName, readonly Part[]>> = {
  pod: [
    prepare,
    part('pod', 'pod', { needs: afterPrepare }),
    part('tls', 'sidecar', inPod),
    part('probe', 'sidecar', { ...inPod, probes: ['reports', 'tls'] }),
    part('reports', 'app', { joins: 'pod', needs: { pod: 'started', tls: 'healthy', probe: 'healthy' } }),
  ],
  naive: [
    prepare,
    part('reports', 'app', { needs: afterPrepare }),
    part('tls', 'sidecar', { joins: 'reports', needs: { reports: 'started' } }),
  ],
};

/** Who must be in one network for a visitor to be served: the published port leads there. */
export const chain = (parts: readonly Part[]): readonly string[] => [
  ...parts.filter(({ role }) => role === 'pod').map(({ service }) => service),
  'tls',
  'reports',
];
