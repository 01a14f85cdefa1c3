/**
 * The process that generates load: takes one job at a time from its parent and answers with figures. All jobs of a
 * benchmark are done by one such process, so that its compiled code is the same for all.
 */
import { LabError } from '../../base/errors.js';
import type { AnyLoad, LoadFigures } from './load.js';

export type GeneratorAnswer = { figures: LoadFigures } | { failure: { tried: string; happened: string } };

async function generate(load: AnyLoad): Promise<LoadFigures> {
  if (load.protocol === 'nbd') return (await import('./nbd-generator.js')).generateNbd(load);
  return (await import('./aoe-generator.js')).generateAoe(load);
}

process.on('message', (load: AnyLoad) => {
  const answer = (value: GeneratorAnswer) => process.send?.(value);
  generate(load).then(
    (figures) => answer({ figures }),
    (error: unknown) => {
      const facts =
        error instanceof LabError ? error.facts : { tried: 'generating load', happened: String(error) };
      answer({ failure: { tried: facts.tried, happened: facts.happened } });
    },
  );
});
// Whoever started it may have been killed.
process.on('disconnect', () => process.exit());
