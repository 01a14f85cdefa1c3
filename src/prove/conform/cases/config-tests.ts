import { ConfigCommand } from '../../../wire/aoe/index.js';
import { type ConformCase, must } from '../case.js';
import type { Probe } from '../probe.js';
import { has, LONGEST, put } from './config-string.js';

const { test, testPrefix } = ConfigCommand;
const AOE = 'AoE 3.2';

/** A test of one string against another is answered, or not. */
const tested = (there: string, ccmd: number, asked: string, isAnswered: boolean) => async (probe: Probe) => {
  if (there !== '') await put(probe, there);
  const request = probe.to.config(ccmd, asked);
  if (isAnswered)
    probe.equal(probe.configString(await probe.ask(request)).toString('latin1'), there, 'config string');
  else await probe.silent(request);
  probe.equal(await has(probe), there, 'config string afterwards');
};

export const configTests: ConformCase[] = [
  must(
    'config.Test.Equal',
    'A test with the string that is there is answered',
    AOE,
    tested('lab', test, 'lab', true),
  ),
  must(
    'config.Test.Different',
    'A test with another string is not answered',
    AOE,
    tested('lab', test, 'bal', false),
  ),
  must('config.Test.Shorter', 'A test with a prefix is not answered', AOE, tested('lab', test, 'la', false)),
  must(
    'config.Test.Longer',
    'A test with a longer string is not answered',
    AOE,
    tested('lab', test, 'lab 1', false),
  ),
  must(
    'config.Test.Case',
    'A test tells capital letters from small ones',
    AOE,
    tested('lab', test, 'LAB', false),
  ),
  must(
    'config.Test.EmptyToEmpty',
    'Where there is no string, a test with none is answered',
    AOE,
    tested('', test, '', true),
  ),
  must(
    'config.Test.EmptyToString',
    'A test with no string is not answered where there is one',
    AOE,
    tested('lab', test, '', false),
  ),
  must(
    'config.Test.StringToEmpty',
    'Where there is no string, a test with one is not answered',
    AOE,
    tested('', test, 'lab', false),
  ),
  must('config.Test.Longest', 'The longest string can be tested', AOE, tested(LONGEST, test, LONGEST, true)),
  must(
    'config.Prefix.Prefix',
    'A prefix test with a prefix is answered',
    AOE,
    tested('lab 1', testPrefix, 'lab', true),
  ),
  must(
    'config.Prefix.Whole',
    'A prefix test with the whole string is answered',
    AOE,
    tested('lab', testPrefix, 'lab', true),
  ),
  must(
    'config.Prefix.Empty',
    'A prefix test with no string is answered',
    AOE,
    tested('lab', testPrefix, '', true),
  ),
  must(
    'config.Prefix.Different',
    'A prefix test with another string is not answered',
    AOE,
    tested('lab', testPrefix, 'lob', false),
  ),
  must(
    'config.Prefix.Longer',
    'A prefix test with a longer string is not answered',
    AOE,
    tested('lab', testPrefix, 'lab 1', false),
  ),
  must(
    'config.Prefix.Inside',
    'A prefix test with a later part is not answered',
    AOE,
    tested('lab 1', testPrefix, 'ab', false),
  ),
];
