import { Document, visit } from 'yaml';

/**
 * Data as YAML that Ansible reads back as it is. Its parser knows YAML 1.1, where `on` and `1:30` are no words; and a word
 * that may hold the beginning of an expression is marked, so that none is evaluated.
 * @param head what a person should know who opens the file
 */
export function toYaml(data: unknown, head?: string): string {
  const document = new Document(data, { version: '1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (key, node) => {
      if (key !== 'key' && typeof node.value === 'string' && node.value.includes('{')) node.tag = '!unsafe';
    },
  });
  if (head !== undefined) document.commentBefore = head.replaceAll(/^/gm, ' ');
  return `---\n${document.toString({ lineWidth: 120 })}`;
}
