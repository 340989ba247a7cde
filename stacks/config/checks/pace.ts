/** Many changes at a time, and those who read the file meanwhile. */
import * as assert from 'uvu/assert';
import { boardIni } from '../lib/documents.ts';
import { boardLife, nextRelease, served, settled, type Must, type Pod } from '../lib/pods.ts';
import { ConfigServer } from '../../../scripts/lib/config-server.ts';
import type { Truth } from '../lib/truth.ts';

const BURST = 200;
/** One signal each CONFIG_MIN_INTERVAL, in seconds, and those before it is clear that this is a burst and after it. */
const INTERVAL = 0.25;
const AROUND = 4;
const CHANGES = 1000;
/** Of these, each is waited for: one that comes alone is applied at once. */
const ALONE = 30;
/** A thousand waits for a disk that others use, too, in milliseconds. */
const PATIENCE = 150_000;
/** Lines of filler: tens of kilobytes, which no write puts on disk at once. */
const LARGE = 400;

/**
 * Reads a file again and again until it holds the last release; tells how many releases it saw and
 * each content that was no whole file.
 */
const READER = `
import json, re, sys
path, last = sys.argv[1:]
seen, mixed, reads = [], [], 0
while not seen or seen[-1] != last:
    text = open(path).read()
    reads += 1
    marks = set(re.findall(r'release = (\\d+)|; release (\\d+),|; end of release (\\d+)\\n$', text))
    marks = {next(filter(None, each)) for each in marks}
    count = re.search(r'line 0 of (\\d+)', text)
    whole = len(marks) == 1 and re.search(r'; end of release \\d+\\n$', text)
    if count and len(re.findall(r'^; release', text, re.M)) != int(count[1]): whole = False
    if not whole: mixed.append(text[:60] + '...' + text[-60:])
    elif not seen or seen[-1] not in marks: seen += marks
print(json.dumps({'reads': reads, 'seen': len(seen), 'mixed': mixed[:3]}))
`;

export function burst(must: Must, pod: Pod, say: string): void {
  must(
    `tell ${pod.app} a handful of times of ${BURST} changes in a second, the last one included`,
    { say },
    async (stage) => {
      const truth = await pod.truth(stage);
      const { reloads } = await boardLife(stage, pod);
      const releases = Array.from({ length: BURST }, nextRelease);
      const began = performance.now();
      const version = await putAll(
        truth,
        pod,
        releases.map((release) => boardIni({ release })),
      );
      const seconds = (performance.now() - began) / 1000;
      await served(stage, pod, releases.at(-1)!);
      await settled(stage, pod, version);
      const told = (await boardLife(stage, pod)).reloads - reloads;
      stage.say(`${BURST} changes in ${seconds.toFixed(2)} s, ${told} signals`);
      assert.ok(told <= AROUND + seconds / INTERVAL, `${told} signals in ${seconds} s`);
    },
  );
}

export function readers(must: Must, pod: Pod, say: string): void {
  must(
    `show readers of ${pod.app}'s file the old or the new one in ${CHANGES} changes, never a mixture`,
    { say, within: PATIENCE },
    async (stage) => {
      const truth = await pod.truth(stage);
      const releases = Array.from({ length: CHANGES }, nextRelease);
      const large = (release: number): string => boardIni({ release, filler: release % 2 === 0 ? LARGE : LARGE / 8 });
      const alone = releases.splice(0, ALONE);
      await truth.put(pod.key, large(alone[0]!));
      await served(stage, pod, alone.shift()!);
      const reading = stage.project.exec(pod.app, ['python3', '-c', READER, pod.path, String(releases.at(-1))], {
        timeoutMs: PATIENCE,
      });
      for (const release of alone) {
        await truth.put(pod.key, large(release));
        await served(stage, pod, release);
      }
      await putAll(truth, pod, releases.map(large));
      const { reads, seen, mixed } = JSON.parse(await reading) as { reads: number; seen: number; mixed: string[] };
      assert.equal(mixed, [], 'contents that were no whole file');
      assert.ok(seen > ALONE / 2, `the reader saw ${seen} releases`);
      await served(stage, pod, releases.at(-1)!);
      stage.say(`${CHANGES} changes; ${reads} reads saw ${seen} releases, each whole`);
    },
  );
}

/** Put contents one after the other, as fast as they are taken; returns the last version. */
async function putAll(truth: Truth, { key }: Pod, contents: readonly string[]): Promise<string> {
  let version = truth instanceof ConfigServer ? await truth.version(key) : '';
  for (const content of contents)
    version =
      truth instanceof ConfigServer ? await truth.putFrom(key, content, version) : await truth.put(key, content);
  return version;
}
