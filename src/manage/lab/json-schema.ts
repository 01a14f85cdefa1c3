import { z } from 'zod';
import { LabFile } from './schema.js';

const VARIABLE = { type: 'string', pattern: '\\$\\{' };
/** Where a variable may stand although it is no text of that kind. */
const KINDS = ['integer', 'number', 'boolean'];

/** The schema of lab.yaml as JSON Schema (2020-12), for editors; published as `recipes/lab.schema.json`. */
export function labJsonSchema(): object {
  return z.toJSONSchema(LabFile, {
    io: 'input',
    override: ({ jsonSchema, path }) => {
      const isKey = path.includes('propertyNames') || path.includes('variables');
      const isNarrow = jsonSchema.pattern !== undefined || jsonSchema.enum !== undefined;
      if (isKey || !(isNarrow || KINDS.includes(String(jsonSchema.type)))) return;
      const plain = { ...jsonSchema };
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      jsonSchema.anyOf = [plain, VARIABLE] as never;
    },
  });
}
