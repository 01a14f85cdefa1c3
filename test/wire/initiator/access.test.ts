import test from 'ava';
import { AoeError, type Frame, type Mac, MaskCommand, ReserveCommand } from '../../../src/wire/aoe/index.js';
import { AoeAnswerError, MaskAnswerError } from '../../../src/wire/initiator/index.js';
import type { FakeTarget } from './fake-target.js';
import { INITIATOR_MAC, makeLab } from './lab.js';

const OTHER = 0x02_00_00_00_00_0a;
const THIRD = 0x02_00_00_00_00_0b;

/** A FAKE mask list with room for some addresses, and a reservation. */
class Lists {
  masks = new Set<Mac>();
  holders: Mac[] = [];
  readonly #room: number;
  fake: FakeTarget | undefined;

  constructor(room = 200) {
    this.#room = room;
  }

  answer(request: Frame): Frame | undefined {
    const envelope = (error = 0) => (this.fake as FakeTarget).envelope(request, error);
    if (request.kind === 'mask') {
      let merror = 0;
      for (const { dcmd, mac } of request.mask.mcmd === MaskCommand.edit ? request.mask.directives : []) {
        if (dcmd === 2) this.masks.delete(mac);
        else if (this.masks.size >= this.#room && !this.masks.has(mac)) {
          merror = 3;
          break;
        } else this.masks.add(mac);
      }
      const directives = merror ? [] : [...this.masks].map((mac) => ({ dcmd: 0, mac }));
      return { ...envelope(), kind: 'mask', mask: { mcmd: request.mask.mcmd, merror, directives } };
    }
    if (request.kind !== 'reserve') return undefined;
    const { rcmd, macs } = request.reserve;
    const holds = this.holders.length === 0 || this.holders.includes(request.ethernet.source);
    const refused = rcmd === ReserveCommand.set && !holds;
    if (rcmd !== ReserveCommand.read && !refused) this.holders = macs;
    return { ...envelope(refused ? 6 : 0), kind: 'reserve', reserve: { rcmd, macs: this.holders } };
  }
}

async function lab(lists: Lists, mtu?: number) {
  const made = await makeLab({ answer: (request) => lists.answer(request) }, {}, mtu);
  lists.fake = made.fake;
  return made.target.access;
}

test('a mask list is read, added to and deleted from', async (t) => {
  const access = await lab(new Lists());
  t.deepEqual(await access.maskList(), []);
  t.deepEqual(await access.editMasks({ add: [INITIATOR_MAC, OTHER, THIRD] }), [INITIATOR_MAC, OTHER, THIRD]);
  t.deepEqual(await access.editMasks({ add: [], remove: [OTHER] }), [INITIATOR_MAC, THIRD]);
  t.deepEqual(await access.editMasks({}), [INITIATOR_MAC, THIRD]);
});

test('directives that do not fit into a frame go out in several, additions first', async (t) => {
  const lists = new Lists();
  const access = await lab(lists, 600);
  const macs = Array.from({ length: 60 }, (_, index) => OTHER + index);
  const others = Array.from({ length: 80 }, (_, index) => OTHER - 100 + index);
  t.deepEqual(await access.editMasks({ add: macs, remove: [...others, OTHER] }), macs.slice(1));
  const edits = (lists.fake as FakeTarget).requests.filter((request) => request.kind === 'mask');
  // (600 + 14 - 28) / 8 = 73 a frame
  t.deepEqual(
    edits.map(({ mask }) => mask.directives.length),
    [73, 68],
  );
});

test('a full mask list is named', async (t) => {
  const access = await lab(new Lists(2));
  const error = await t.throwsAsync(access.editMasks({ add: [INITIATOR_MAC, OTHER, THIRD] }), {
    instanceOf: MaskAnswerError,
  });
  t.is(
    error?.message,
    'changing the MAC mask list of e0.1: e0.1 answered with mask error 3 (the list is full)',
  );
  t.is((error as MaskAnswerError).code, 3);
});

test('a target is reserved, kept from others, taken over by force, and released', async (t) => {
  const lists = new Lists();
  const access = await lab(lists);
  t.deepEqual(await access.reservation(), []);
  t.deepEqual(await access.reserve([INITIATOR_MAC, OTHER]), [INITIATOR_MAC, OTHER]);
  t.deepEqual(await access.reserve([INITIATOR_MAC]), [INITIATOR_MAC]);
  lists.holders = [OTHER];
  const error = await t.throwsAsync(access.reserve([INITIATOR_MAC]), { instanceOf: AoeAnswerError });
  t.is((error as AoeAnswerError).code, AoeError.targetReserved);
  await t.throwsAsync(access.release(), { instanceOf: AoeAnswerError });
  t.deepEqual(lists.holders, [OTHER]);
  t.deepEqual(await access.reserve([INITIATOR_MAC], { force: true }), [INITIATOR_MAC]);
  await access.release();
  t.deepEqual(await access.reservation(), []);
});

test('more addresses than a frame holds are refused before anything is sent', async (t) => {
  const access = await lab(new Lists(), 600);
  const macs = Array.from({ length: 99 }, (_, index) => OTHER + index);
  const error = await t.throwsAsync(async () => access.reserve(macs));
  t.regex(String(error?.message), /at most 98 addresses fit into a frame/);
});
