/** What a pipeline may say for itself, and what everything else is made of that it does not say. */
import type { Values } from '#kit/contract/parameters.ts';
import { deliveryParameters } from '../delivery/parameters.ts';
import { inputParameters } from '../parameters.ts';

/** The parameters that say how lines are treated. */
export const SETTINGS = {
  SERVICE_NAME: inputParameters.SERVICE_NAME,
  LABELS: inputParameters.LABELS,
  FILE_FORMAT: inputParameters.FILE_FORMAT,
  LINE_TIME: inputParameters.LINE_TIME,
  LINE_TIME_PATTERN: inputParameters.LINE_TIME_PATTERN,
  MULTILINE_START: inputParameters.MULTILINE_START,
  LINE_DROP: inputParameters.LINE_DROP,
  LINE_REDACT: inputParameters.LINE_REDACT,
  LINE_REDACT_WITH: inputParameters.LINE_REDACT_WITH,
  STORE_INDEX: deliveryParameters.STORE_INDEX,
} as const;

export type LineSettings = Values<typeof SETTINGS>;

/** What each is called in the file of pipelines. */
export const KEYS: ReadonlyMap<string, keyof typeof SETTINGS> = new Map([
  ['service', 'SERVICE_NAME'],
  ['labels', 'LABELS'],
  ['format', 'FILE_FORMAT'],
  ['time', 'LINE_TIME'],
  ['time_pattern', 'LINE_TIME_PATTERN'],
  ['multiline_start', 'MULTILINE_START'],
  ['drop', 'LINE_DROP'],
  ['redact', 'LINE_REDACT'],
  ['redact_with', 'LINE_REDACT_WITH'],
  ['index', 'STORE_INDEX'],
]);
