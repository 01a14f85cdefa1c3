import { AtaCommand } from '../../../wire/aoe/index.js';
import { type ConformCase, must } from '../case.js';
import { content, fresh } from '../content.js';
import { OTHER, type Probe, tagOf } from '../probe.js';

const AOE = 'AoE 3.2';

/** Requests that a target may be given at once. */
const window = (probe: Probe) => Math.max(1, Math.min(probe.facts.config.bufferCount, 32));

/** Asks for all of a list, as many at once as the target takes. */
async function inWindows(probe: Probe, requests: readonly Buffer[]) {
  const answers = [];
  const size = window(probe);
  for (let start = 0; start < requests.length; start += size) {
    answers.push(...(await probe.askAll(requests.slice(start, start + size))));
  }
  return answers;
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

export const concurrency: ConformCase[] = [
  must('concurrency.Reads.Window', 'Reads under way together bring each its own data', AOE, async (probe) => {
    const lbas = range(window(probe)).map((index) => index * 37);
    const answers = await probe.askAll(lbas.map((lba) => probe.to.read(lba, 2)));
    for (const [index, answer] of answers.entries()) {
      probe.sameBytes(probe.data(answer, 2), content(lbas[index] as number, 2), `sector ${lbas[index]}`);
    }
  }),
  must('concurrency.Reads.SameSector', 'Many reads of one sector bring it each', AOE, async (probe) => {
    for (const answer of await probe.askAll(range(window(probe)).map(() => probe.to.read(9, 1)))) {
      probe.sameBytes(probe.data(answer, 1), content(9, 1), 'sector 9');
    }
  }),
  must('concurrency.Reads.Overlapping', 'Reads that overlap bring each its own data', AOE, async (probe) => {
    const answers = await probe.askAll(range(window(probe)).map((index) => probe.to.read(index, 2)));
    for (const [index, answer] of answers.entries()) {
      probe.sameBytes(probe.data(answer, 2), content(index, 2), `sectors ${index} and ${index + 1}`);
    }
  }),
  must('concurrency.Reads.Thousand', '1000 reads in full windows are all right', AOE, async (probe) => {
    const answers = await inWindows(
      probe,
      range(1000).map((index) => probe.to.read((index * 53) % 4000, 2)),
    );
    for (const [index, answer] of answers.entries()) {
      const lba = (index * 53) % 4000;
      probe.sameBytes(probe.data(answer, 2), content(lba, 2), `sectors at ${lba}`);
    }
  }),
  must('concurrency.Writes.Window', 'Writes under way together all reach the file', AOE, async (probe) => {
    const count = window(probe);
    const answers = await probe.askAll(
      range(count).map((index) => probe.to.write(index * 2, fresh(index, 2))),
    );
    for (const answer of answers) probe.ataDone(answer);
    await probe.fileHolds(0, Buffer.concat(range(count).map((index) => fresh(index, 2))));
  }),
  must('concurrency.Writes.Adjacent', 'Writes side by side do not touch each other', AOE, async (probe) => {
    const count = window(probe);
    const order = range(count).sort((a, b) => ((a * 7) % 11) - ((b * 7) % 11));
    for (const answer of await probe.askAll(
      order.map((index) => probe.to.write(800 + index, fresh(index, 1))),
    )) {
      probe.ataDone(answer);
    }
    await probe.fileHolds(800, Buffer.concat(range(count).map((index) => fresh(index, 1))));
    await probe.fileHolds(799, content(799, 1));
    await probe.fileHolds(800 + count, content(800 + count, 1));
  }),
  must(
    'concurrency.Writes.Thousand',
    '1000 writes in full windows all reach the file',
    AOE,
    async (probe) => {
      await inWindows(
        probe,
        range(1000).map((index) => probe.to.write(index * 4, fresh(index, 2))),
      );
      for (const index of [0, 1, 499, 998, 999]) await probe.fileHolds(index * 4, fresh(index, 2));
      await probe.fileHolds(2, content(2, 2));
    },
  ),
  must(
    'concurrency.Mixed.ReadsAndWrites',
    'Reads and writes elsewhere do not disturb each other',
    AOE,
    async (probe) => {
      const requests = range(window(probe)).map((index) =>
        index % 2 === 0 ? probe.to.read(2000 + index, 1) : probe.to.write(100 + index, fresh(index, 1)),
      );
      for (const [index, answer] of (await probe.askAll(requests)).entries()) {
        if (index % 2 === 0)
          probe.sameBytes(probe.data(answer, 1), content(2000 + index, 1), `sector ${2000 + index}`);
        else probe.ataDone(answer);
      }
      for (const index of [1, 3])
        if (index < window(probe)) await probe.fileHolds(100 + index, fresh(index, 1));
    },
  ),
  must('concurrency.Mixed.ConfigAmongReads', 'Queries among reads are answered', AOE, async (probe) => {
    const requests = range(window(probe)).map((index) =>
      index % 3 === 0 ? probe.to.config() : probe.to.read(index, 1),
    );
    for (const answer of await probe.askAll(requests)) probe.noError(answer);
  }),
  must(
    'concurrency.Mixed.FlushAmongWrites',
    'A flush among writes is answered, and the writes are done',
    AOE,
    async (probe) => {
      const count = Math.max(2, Math.min(window(probe), 8));
      const requests = range(count).map((index) => probe.to.write(index, fresh(index, 1)));
      requests.splice(count >> 1, 0, probe.to.ata({ cmdStatus: AtaCommand.flushCache }));
      await inWindows(probe, requests);
      await probe.fileHolds(0, Buffer.concat(range(count).map((index) => fresh(index, 1))));
    },
  ),
  must('concurrency.Initiators.Two', 'Answers to two initiators go each to its own', AOE, async (probe) => {
    const requests = range(Math.max(2, window(probe) & ~1)).map((index) =>
      probe.to.read(index, 1, true, index % 2 === 0 ? {} : { source: OTHER }),
    );
    for (const [index, answer] of (await probe.askAll(requests)).entries()) {
      probe.equal(answer.ethernet.destination, index % 2 === 0 ? probe.own : OTHER, 'destination MAC');
      probe.sameBytes(probe.data(answer, 1), content(index, 1), `sector ${index}`);
    }
  }),
  must('concurrency.Initiators.SameTag', 'Two initiators may use one tag', 'AoE 2.7', async (probe) => {
    const one = probe.to.read(11, 1);
    const other = probe.to.read(22, 1, true, { source: OTHER, tag: tagOf(one) });
    await probe.log.send(one);
    await probe.log.send(other);
    await probe.log.until(() => probe.log.answers(tagOf(one)).length >= 2, 500);
    const answers = probe.log.answers(tagOf(one));
    probe.equal(answers.length, 2, 'answers');
    for (const answer of answers) {
      const lba = answer.ethernet.destination === probe.own ? 11 : 22;
      probe.sameBytes(probe.data(answer, 1), content(lba, 1), `sector ${lba}`);
    }
  }),
  must(
    'concurrency.Exports.Two',
    'Two exports are served at once',
    AOE,
    async (probe) => {
      const other = probe.toExport(probe.big);
      await probe.dut.writeBacking(probe.big, 0, fresh(0x33, 8));
      const requests = range(Math.min(16, window(probe))).map((index) =>
        index % 2 === 0 ? probe.to.read(index >> 1, 1) : other.read(index >> 1, 1),
      );
      for (const [index, answer] of (await probe.askAll(requests)).entries()) {
        const at = index >> 1;
        const expected = index % 2 === 0 ? content(at, 1) : fresh(0x33, 8).subarray(at * 512, at * 512 + 512);
        probe.sameBytes(probe.data(answer, 1), expected, `sector ${at} of export ${index % 2}`);
      }
    },
    'big',
  ),
];
