/** What a project publishes, before and after: nothing may be lost, and nothing newly open. */
import { Refusal } from '../bundled/refusal.ts';

interface Port {
  readonly host_ip?: string;
  readonly published?: string;
  readonly protocol?: string;
  readonly target: number;
}
interface Config {
  readonly services?: Readonly<Record<string, { readonly ports?: readonly Port[] | null } | null>>;
}

/**
 * @param before and after: what `docker compose config --format json` says
 * @param added how many ports may be published that were not before
 * @throws {Refusal} where the machine's published ports differ otherwise
 */
export function requireSamePublished(before: unknown, after: unknown, added: number): void {
  const [old, now] = [published(before as Config), published(after as Config)];
  const lost = old.filter((each) => !now.includes(each));
  const opened = now.filter((each) => !old.includes(each));
  if (lost.length > 0 || opened.length > added)
    throw new Refusal(
      'published',
      `docker compose would publish ${now.join(', ') || 'nothing'} with the sidecars, and ${old.join(', ') || 'nothing'} without: nothing was written`,
    );
}

/** `127.0.0.1:8080/tcp`, one for each published port. */
const published = ({ services }: Config): string[] =>
  Object.values(services ?? {}).flatMap((service) =>
    (service?.ports ?? []).map(
      ({ host_ip: address = '', published: port = '', protocol = 'tcp' }) => `${address}:${port}/${protocol}`,
    ),
  );
