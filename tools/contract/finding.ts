/** What is wrong, or worth knowing, about a contract, with its place. */
export interface Finding {
  readonly code: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly file: string;
  readonly line: number;
  readonly message: string;
}
