/**
 * Preloaded (`node --import`) into a process that runs uvu tests: imports of uvu get strict.ts
 * instead, which notices what uvu drops without a word.
 */
import { registerHooks } from 'node:module';

const STRICT = new URL('strict.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'uvu' && context.parentURL !== STRICT
      ? { url: STRICT, format: 'module-typescript', shortCircuit: true }
      : next(specifier, context),
});
