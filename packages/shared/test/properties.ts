/**
 * fast-check with inputs that are the same in every run: a gate is not the place to meet new ones. `KANADE_SEED` gives others, for whoever
 * looks for them.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.KANADE_SEED ?? 20_261_127) });

export { fc };
