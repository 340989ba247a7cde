import { exercise, field, need, yamlFile, type Check, type Stage } from '../lessons/exercise.ts';

/** The three ways to write the shipper: the names of the manifests in start/. */
export const WAYS = ['plain', 'init', 'native'] as const;
export type Way = (typeof WAYS)[number];

/** What a cluster does with each; check.engine.test.ts compares it with a real one. */
export const KEY: Readonly<Record<string, Readonly<Partial<Record<Way, boolean>>>>> = {
  report_starts: { plain: true, init: false, native: true },
  pod_ends: { plain: false, init: false, native: true },
  shipper_first: { plain: false, init: true, native: true },
  shipper_comes_back: { plain: false, native: true },
};

/** What to think of, where an answer is wrong. */
const THINK: Readonly<Record<string, string>> = {
  report_starts: 'what does the kubelet wait for before it starts the next container?',
  pod_ends: 'who is still there when report has ended, and does the pod wait for it?',
  shipper_first: 'which of the two is started first, by the times that try prints?',
  shipper_comes_back: 'the restart policy of the pod is Never. Whose is it not?',
};

const MUST: Readonly<Record<string, string>> = {
  report_starts: 'say with which of them the application starts',
  pod_ends: 'say with which of them the pod ends when the application has ended',
  shipper_first: 'say which of them starts the shipper first',
  shipper_comes_back: 'say which of them starts a shipper again that has ended',
};

const graded = (row: string): Check => ({
  must: MUST[row]!,
  look(stage: Stage) {
    for (const [way, truth] of Object.entries(KEY[row]!)) {
      const said = field(yamlFile(stage, 'answer.yaml'), row, way);
      need(said !== undefined && said !== null, `${row}: nothing is said of ${way}`);
      const yes = [true, 'yes'].includes(said as boolean | string);
      need(yes === truth, `${row}: ${JSON.stringify(said)} is not right for ${way}. ${THINK[row]}`);
    }
  },
});

export default exercise({ runs: false, checks: Object.keys(KEY).map(graded) });
