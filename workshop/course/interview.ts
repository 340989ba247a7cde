/** The exercises whose sentences make the answer of one minute: what it is, a case, what goes wrong, when another one. */
export const FIRST_MINUTE: readonly string[] = ['01', '02', '03', '12'];
