/**
 * The store's index template: what an index or data stream is made from when the first line comes. Elasticsearch
 * has one for `logs-*-*`, OpenSearch has none, and without a template the name becomes a plain index.
 *
 * Source: Elasticsearch and OpenSearch, "Create or update index template".
 */
import { Unanswered, type Answer, type Transport } from './transport.ts';

/** Above the templates that stores bring, which have 100; of two that name an index, the longer name counts. */
const PRIORITY = 200;

export interface TemplateOptions {
  readonly transport: Pick<Transport, 'ask'>;
  /** The data stream, or the index by pattern, that lines go to. */
  readonly index: string;
}

export class Template {
  readonly #options: TemplateOptions;
  readonly #name: string;
  #ready = false;
  #asked: Promise<Answer | Unanswered | undefined> | undefined;

  constructor(options: TemplateOptions) {
    this.#options = options;
    this.#name = `log-shipper-${options.index.replaceAll('{date}', 'date')}`;
  }

  /**
   * See that there is one, and make it where there is none; one that is there is left as it is.
   * @param bulk the host's `_bulk`
   * @returns undefined when it is there, else what went wrong; to be asked again
   */
  async ensure(bulk: URL): Promise<Answer | Unanswered | undefined> {
    if (this.#ready) return undefined;
    this.#asked ??= this.#make(bulk).finally(() => (this.#asked = undefined));
    return await this.#asked;
  }

  async #make(bulk: URL): Promise<Answer | Unanswered | undefined> {
    const url = new URL(bulk);
    url.pathname = url.pathname.replace(/_bulk$/, `_index_template/${this.#name}`);
    url.search = '';
    try {
      const found = await this.#options.transport.ask('GET', url);
      const answer =
        found.status === 404
          ? await this.#options.transport.ask('PUT', url, JSON.stringify(templateOf(this.#options.index)))
          : found;
      this.#ready = answer.status >= 200 && answer.status < 300;
      return this.#ready ? undefined : answer;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      return error;
    }
  }
}

/** The templates of all indices that lines go to. */
export class Templates {
  readonly #all: readonly Template[];

  constructor(transport: TemplateOptions['transport'], indices: Iterable<string>) {
    this.#all = Array.from(indices, (index) => new Template({ transport, index }));
  }

  /** See that all are there, one after another; as of one. */
  async ensure(bulk: URL): Promise<Answer | Unanswered | undefined> {
    for (const each of this.#all) {
      const missing = await each.ensure(bulk);
      if (missing !== undefined) return missing;
    }
    return undefined;
  }
}

/**
 * Times to the nanosecond, so that lines of one millisecond keep their order; strings to be filtered by;
 * `message` to be searched.
 */
export function templateOf(index: string): object {
  const keyword = { type: 'keyword', ignore_above: 1024 };
  return {
    index_patterns: [index.replaceAll('{date}', '*')],
    // An index by the day is none: its name says when it ends.
    ...(!index.includes('{date}') && { data_stream: {} }),
    priority: PRIORITY + index.length,
    template: {
      mappings: {
        date_detection: false,
        dynamic_templates: [{ strings: { match_mapping_type: 'string', mapping: keyword } }],
        properties: { '@timestamp': { type: 'date_nanos' }, message: { type: 'text' } },
      },
    },
  };
}
