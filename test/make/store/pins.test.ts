import test from 'ava';
import { describeSource } from '../../../src/make/source/location.js';
import { reasonOf } from '../../../src/make/source/reason.js';
import { comparePins } from '../../../src/make/source/source-tree.js';
import { recipeOf } from '../source/helpers.js';

const FACTS = {
  name: 'a.tar.gz',
  size: 3,
  sha256: 'a'.repeat(64),
  sha512: 'b'.repeat(128),
  md5: 'c'.repeat(32),
};
const TREE = 'd'.repeat(64);

test('HOSTILE: an archive that keeps an MD5 alone has to hold the pinned tree as well', (t) => {
  const source = { type: 'archive', url: 'https://example.invalid/a.tar.gz', state: 'alive' } as const;
  const pins = (pin: object, trees: string[]): string => {
    const { release } = recipeOf([{ ...source, ...pin }], {
      trees: trees.map((sha256) => ({ sha256 })),
    } as never);
    return comparePins(release, TREE, FACTS);
  };
  const { md5, sha256 } = FACTS;
  t.is(pins({ md5 }, ['e'.repeat(64)]), 'differs');
  t.is(pins({ md5 }, [TREE]), 'tree');
  t.is(pins({ md5 }, []), 'archive');
  t.is(pins({ md5, sha256 }, ['e'.repeat(64)]), 'archive');
});

test('HOSTILE: what a URL says of passwords and tokens is told and kept nowhere', (t) => {
  const git = (url: string): string => describeSource({ type: 'git', url, state: 'alive' });
  t.is(git('https://me:secret@host/x'), 'git https://host/x');
  t.is(git('https://token@host:8443/x@y'), 'git https://host:8443/x@y');
  t.is(git('ssh://git:secret@host/x'), 'git ssh://git@host/x');
  t.is(git('https://host/x?a=b@c'), 'git https://host/x?a=b@c');
  t.is(
    reasonOf(new Error("git says: fatal: unable to access 'https://me:secret@host/x'")),
    "git says: fatal: unable to access 'https://host/x'",
  );
});
