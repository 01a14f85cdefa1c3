import { Document, Scalar, visit } from 'yaml';

/**
 * Data as YAML that Ansible reads back as it is. Its parser knows YAML 1.1, where `on` and `1:30` are no words; and a word
 * that may hold the beginning of an expression is marked, so that none is evaluated.
 * @param head what a person should know who opens the file
 */
export function toYaml(data: unknown, head?: string): string {
  const document = new Document(data, {
    version: '1.1',
    aliasDuplicateObjects: false,
    // With it `<<` could not be quoted.
    customTags: (tags) =>
      tags.filter((tag) => tag !== 'merge' && !(typeof tag === 'object' && /:merge$/.test(tag.tag))),
  });
  visit(document, {
    Scalar: (key, node) => {
      if (key === 'key' || typeof node.value !== 'string') return;
      if (node.value.includes('{')) node.tag = '!unsafe';
      // `=` is a word of its own, as are others that no writer of YAML 1.2 would think of.
      if (/^[^A-Za-z/].*$|^$/.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  if (head !== undefined) document.commentBefore = head.replaceAll(/^/gm, ' ');
  return `---\n${document.toString({ lineWidth: 120 })}`;
}
