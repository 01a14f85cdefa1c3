import test from 'ava';
import { type Step, type User, weaknesses } from '../../../src/base/files/trust.js';

const ROOT: User = { uid: 0, gid: 0, isMapped: false };
const ALICE: User = { uid: 1000, gid: 1000, isMapped: false };

function folder(path: string, mode: number, uid = 0, gid = 0, acl: Step['acl'] = 'none'): Step {
  return { path, mode: 0o040000 | mode, uid, gid, acl };
}

function disk(path: string, uid = 0): Step {
  return { path, mode: 0o100600, uid, gid: uid };
}

const TOP = folder('/', 0o755);

const CASES: [string, User, Step[], string | undefined][] = [
  ['a folder of somebody else', ROOT, [folder('/home', 0o755, 1000), disk('/home/d')], 'user 1000'],
  ['one that everybody may write to', ROOT, [folder('/srv', 0o777), disk('/srv/d')], 'everybody'],
  ['one that a group may write to', ROOT, [folder('/srv', 0o775, 0, 6), disk('/srv/d')], 'group 6'],
  [
    'another user’s file in a folder like /tmp',
    ROOT,
    [folder('/tmp', 0o1777), disk('/tmp/d', 1000)],
    'everybody',
  ],
  ['a sticky folder of somebody else', ROOT, [folder('/t', 0o1777, 1000), disk('/t/d')], 'user 1000'],
  ['root’s folder', ROOT, [folder('/srv', 0o755), disk('/srv/d')], undefined],
  [
    'a file of somebody else’s in root’s folder',
    ROOT,
    [folder('/srv', 0o755), disk('/srv/d', 1000)],
    undefined,
  ],
  ['one that root’s group may write to', ROOT, [folder('/srv', 0o775), disk('/srv/d')], undefined],
  ['root’s file in a folder like /tmp', ROOT, [folder('/tmp', 0o1777), disk('/tmp/d')], undefined],
  ['the user’s own folder', ALICE, [folder('/home', 0o755, 1000, 1000), disk('/home/d', 1000)], undefined],
  [
    'one of the user’s own group',
    ALICE,
    [folder('/home', 0o775, 1000, 1000), disk('/home/d', 1000)],
    undefined,
  ],
  ['one of another group', ALICE, [folder('/home', 0o775, 1000, 100), disk('/home/d', 1000)], 'group 100'],
  [
    'hostile: one of root’s group whose access list names others',
    ROOT,
    [folder('/srv', 0o775, 0, 0, 'some'), disk('/srv/d')],
    'somebody on its access list',
  ],
  [
    'hostile: one of the user’s own group whose access list names others',
    ALICE,
    [folder('/home', 0o775, 1000, 1000, 'some'), disk('/home/d', 1000)],
    'somebody on its access list',
  ],
  [
    'an access list that grants nobody to write',
    ROOT,
    [folder('/srv', 0o755, 0, 0, 'some'), disk('/srv/d')],
    undefined,
  ],
  ['one of another user', ALICE, [folder('/home', 0o755, 1001), disk('/home/d', 1000)], 'user 1001'],
];

for (const [title, user, way, who] of CASES) {
  test(`who may exchange a file: ${title}`, (t) => {
    t.is(weaknesses([TOP, ...way], user)[0]?.who, who);
  });
}

test('who may exchange a file: a folder further up counts as well', (t) => {
  const way = [TOP, folder('/home', 0o755, 1000), folder('/home/root', 0o700), disk('/home/root/d')];
  t.like(weaknesses(way, ROOT), [{ folder: '/home', who: 'user 1000', step: { path: '/home/root' } }]);
});

test('hostile: who may exchange a file: where access lists can not be asked for, the mode counts for others', (t) => {
  const { acl: _, ...unasked } = folder('/srv', 0o775);
  t.regex(weaknesses([TOP, unasked, disk('/srv/d')], ROOT)[0]?.who ?? '', /can not be asked for there/);
  const { acl: __, ...closed } = folder('/srv', 0o755);
  t.deepEqual(weaknesses([TOP, closed, disk('/srv/d')], ROOT), []);
});

test('who may exchange a file: in a user namespace all others are told as one user', (t) => {
  const way = [folder('/', 0o755, 65534, 65534), folder('/srv', 0o755, 65534, 65534), disk('/srv/d')];
  t.is(weaknesses(way, ROOT).length, 2);
  t.deepEqual(weaknesses(way, { ...ROOT, isMapped: true }), []);
});
