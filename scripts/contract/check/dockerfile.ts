/** The instructions of a Dockerfile that follow from the contract: LABEL, ENV and EXPOSE. */
import { defaultPort, type Contract } from '#kit/contract/contract.ts';
import { environmentOf, labelsOf, quotedWord } from './image-facts.ts';

/** An instruction with the lines that it goes on in. */
const instruction = (start: string): RegExp => new RegExp(`^${start}(?:.*\\\\\\n)*.*$`, 'm');

/**
 * Write these instructions anew where they stand. What the file has besides, other ENV lines too, stays as it is.
 * @param text the Dockerfile
 * @param licence that the image's label names
 */
export function fillDockerfile(text: string, contract: Contract, licence: string): string {
  const environment = [...environmentOf(contract)].map(([name, value]) => `${name}=${quotedWord(value)}`);
  const labels = Object.entries(labelsOf(contract, licence)).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const ports = Object.keys(contract.ports).flatMap((name) => defaultPort(contract, name) ?? []);
  const names = Object.keys(contract.parameters).join('|');
  return text
    .replace(instruction('LABEL org\\.opencontainers\\.image\\.'), () => `LABEL ${labels.join(' \\\n      ')}`)
    .replace(instruction(`ENV (?:${names})=`), () => `ENV ${environment.join(' \\\n    ')}`)
    .replace(/^EXPOSE .*$/m, () => `EXPOSE ${ports.join(' ')}`);
}
