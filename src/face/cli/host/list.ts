import type { Command } from 'commander';

export function register(host: Command): void {
  host.command('list').description('the hosts of the book').option('--json', 'print JSON').action(list);
}

async function list(options: { json?: boolean }): Promise<void> {
  const [{ readBook }, { print }, { describeBook }] = await Promise.all([
    import('../../../hosts/book/book.js'),
    import('../../ui/output.js'),
    import('../../ui/hosts.js'),
  ]);
  const book = await readBook();
  print(
    [...book].map(([name, entry]) => ({ name, ...entry })),
    options,
    () => (book.size === 0 ? 'the book is empty; aoe-lab host add NAME [USER@]ADDRESS' : describeBook(book)),
  );
}
