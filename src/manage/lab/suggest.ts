import type { Fault } from '../../base/document.js';
import { labJsonSchema } from './json-schema.js';
import { didYouMean } from './similar.js';

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
}

/** Adds to the fault of an unknown field the name that may have been meant. */
export function suggestField(fault: Fault): Fault {
  if (fault.message !== 'no such field') return fault;
  const parents = fault.path
    .slice(0, -1)
    .reduce<Schema[]>(
      (schemas, part) => schemas.flatMap((schema) => inside(schema, part)),
      alternatives(labJsonSchema()),
    );
  const known = parents.flatMap(({ properties }) => Object.keys(properties ?? {}));
  return { ...fault, message: `${fault.message}${didYouMean(String(fault.path.at(-1)), known)}` };
}

function inside({ properties, additionalProperties, items }: Schema, part: PropertyKey): Schema[] {
  const next = typeof part === 'number' ? items : (properties?.[String(part)] ?? additionalProperties);
  return typeof next === 'object' ? alternatives(next) : [];
}

function alternatives(schema: Schema): Schema[] {
  return schema.anyOf?.flatMap(alternatives) ?? [schema];
}
