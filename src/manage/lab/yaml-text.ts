import { Document, Scalar, visit } from 'yaml';
import { escapeJson, isPrintable } from '../../base/escape.js';

/** A value as YAML that a terminal can show: with the texts that it has, those that do not print in double quotes. */
export function yamlText(value: unknown, lineWidth: number): string {
  const document = new Document(value);
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && !isPrintable(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return escapeJson(document.toString({ lineWidth }));
}
