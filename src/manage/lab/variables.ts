/** `${NAME}` in the values of a document. The environment is not read. */
import { type Document, isMap, isScalar, visit } from 'yaml';
import { type Fault, wordOf } from '../../base/document.js';
import { VARIABLE_NAME } from './schema.js';
import { didYouMean } from './similar.js';

/** `$${` stands for a `${` that is none. */
const REFERENCE = /\$\$\{|\$\{([^}]*)\}/g;

/**
 * Puts the variables' values in their places. A value that is `${NAME}` alone takes the variable's kind (a number stays one).
 * @param given values that go before those of the document, each read as YAML reads a word
 */
export function substitute(document: Document, given: Readonly<Record<string, string>>): Fault[] {
  const faults: Fault[] = [];
  const values = new Map<string, unknown>();
  const declared = document.getIn(['variables'], true);
  for (const { key, value } of isMap(declared) ? declared.items : []) {
    const name = String(isScalar(key) ? key.value : key);
    const own = isScalar(value) ? value.value : value;
    if (typeof own === 'string' && own.includes('${')) {
      faults.push({ path: ['variables', name], message: 'a variable can not be made of others' });
    }
    values.set(name, Object.hasOwn(given, name) ? wordOf(given[name] as string) : own);
    if (values.get(name) === null || values.get(name) === undefined) {
      faults.push({ path: ['variables', name], message: `it has no value: give --var ${name}=VALUE` });
    }
  }
  const names = [...values.keys()];
  for (const name of Object.keys(given)) {
    if (values.has(name)) continue;
    const message = `--var ${name}: the file declares no such variable${didYouMean(name, names)}`;
    faults.push({ path: names.length > 0 ? ['variables'] : [], message });
  }
  const resolve = (reference: string, path: readonly PropertyKey[]): unknown => {
    if (values.has(reference)) return values.get(reference) ?? '';
    const what = VARIABLE_NAME.test(reference)
      ? `there is no variable ${reference}`
      : `"${reference}" is no name of a variable`;
    faults.push({ path, message: `${what}${didYouMean(reference, names)}` });
    return '';
  };
  visit(document, {
    Pair: (_, pair, ancestors) =>
      ancestors.length === 2 && isScalar(pair.key) && pair.key.value === 'variables' ? visit.SKIP : undefined,
    Scalar: (key, node, ancestors) => {
      const text = node.value;
      if (key === 'key' || typeof text !== 'string' || !text.includes('${')) return;
      const path = pathOf(ancestors, node);
      const whole = /^\$\{([^}]*)\}$/.exec(text);
      node.value =
        whole !== null
          ? resolve(whole[1] as string, path)
          : text.replaceAll(REFERENCE, (_, name?: string) =>
              name === undefined ? '${' : String(resolve(name, path)),
            );
    },
  });
  return faults;
}

function pathOf(ancestors: readonly unknown[], node: unknown): PropertyKey[] {
  return [...ancestors, node].flatMap((one, index, all): PropertyKey[] => {
    const parent = all[index - 1] as { items?: readonly unknown[] } | undefined;
    if (index === 0) return [];
    if (typeof one === 'object' && one !== null && 'key' in one) {
      return [String(isScalar(one.key) ? one.key.value : one.key)];
    }
    const at = isMap(parent) ? -1 : (parent?.items?.indexOf(one) ?? -1);
    return at < 0 ? [] : [at];
  });
}
