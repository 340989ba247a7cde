import { exercise, field, need, yamlFile, type Check, type Stage } from '../lessons/exercise.ts';
import { why as common } from '../lessons/why.ts';
import { why } from './why.ts';

/** The three ways to write the shipper: the names of the manifests in start/. */
export const WAYS = ['plain', 'init', 'native'] as const;
export type Way = (typeof WAYS)[number];

/** What a cluster does with each; check.engine.test.ts compares it with a real one. */
export const KEY: Readonly<Record<Row, Readonly<Partial<Record<Way, boolean>>>>> = {
  report_starts: { plain: true, init: false, native: true },
  pod_ends: { plain: false, init: false, native: true },
  shipper_first: { plain: false, init: true, native: true },
  shipper_comes_back: { plain: false, native: true },
};

const MUST = {
  report_starts: 'say with which of them the application starts',
  pod_ends: 'say with which of them the pod ends when the application has ended',
  shipper_first: 'say which of them starts the shipper first',
  shipper_comes_back: 'say which of them starts a shipper again that has ended',
} as const;
type Row = keyof typeof MUST;

const graded = (row: Row): Check => ({
  must: MUST[row],
  look(stage: Stage) {
    for (const [way, truth] of Object.entries(KEY[row])) {
      const said = field(yamlFile(stage, 'answer.yaml'), row, way);
      need(said !== undefined && said !== null, common('notAnswered', { row, column: way }));
      const yes = [true, 'yes'].includes(said as boolean | string);
      const answer = common('notRight', { row, said: JSON.stringify(said), column: way });
      // What to think of has the row's name.
      need(yes === truth, why('wrong', { answer, think: why(row) }));
    }
  },
});

export default exercise({ runs: false, checks: (Object.keys(KEY) as Row[]).map(graded) });
