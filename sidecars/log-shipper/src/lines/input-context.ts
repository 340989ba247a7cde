/** What the pipeline is given, and what it hands on to both inputs. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { Values } from '#kit/contract/parameters.ts';
import type { Readiness } from '#kit/life/readiness.ts';
import type { Shutdown } from '#kit/life/shutdown.ts';
import type { contract } from '../contract.ts';
import type { Lines } from './lines.ts';

export interface PipelineOptions {
  readonly parameters: Values<typeof contract.parameters>;
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  readonly readiness: Readiness;
  readonly shutdown: Shutdown;
}

/** What is the same for both inputs. */
export interface Common extends Pick<PipelineOptions, 'parameters' | 'log' | 'metrics' | 'readiness'>, Lines {
  readonly skipped: (reason: 'empty' | 'rule' | 'journal', count: number) => void;
  readonly cut: () => void;
}
